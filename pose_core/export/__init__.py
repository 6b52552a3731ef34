"""Exported files put right for programs that are not Blender."""
