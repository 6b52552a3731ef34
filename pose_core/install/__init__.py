"""Worker environments: made, checked and repaired; standard library only."""
