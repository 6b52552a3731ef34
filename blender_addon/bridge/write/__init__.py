"""Keys, armatures, switches and scene time written into Blender."""
