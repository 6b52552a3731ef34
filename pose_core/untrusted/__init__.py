"""Reading of files that come from anywhere: bounded before anything is unpacked, every fault an error that says so."""
