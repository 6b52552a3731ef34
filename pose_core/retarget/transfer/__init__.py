"""A motion carried onto a rig: body, spine, controls, and what is to be expected of it."""
