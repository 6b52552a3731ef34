"""Rigs and files read from Blender, changing nothing."""
