"""Parts of the benchmark; each measures one thing in a process of its own and prints one JSON object."""
