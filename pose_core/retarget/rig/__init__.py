"""What a rig is: its bones, its bone map, its channels, its rest pose, and a motion on it."""
