"""The name under which Blender knows this add-on, which depends on where it was installed from."""

ADDON_ID = __package__
