"""From a motion on a rig to the keys that are written."""
