"""Pose Core: video to clean 3D human motion with constant bone lengths.

Importing this package needs numpy alone and does nothing else: it is what Blender's own Python loads.
"""

__version__ = "0.1.0"
