"""The thin shell between Blender's data and `pose_core`: read a rig, write keys, export. No user interface."""
