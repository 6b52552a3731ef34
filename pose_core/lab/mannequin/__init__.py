"""A mannequin built from nothing but numbers: skeleton, clothed body, weights, motion and the room around it.

`skeleton`, `sdf`, `body`, `head`, `skin` and `pose` are numpy alone; `rig` and `scene` need Blender.
"""
