"""Parts of `render_panels.py`: what is set up inside Blender before each picture."""
