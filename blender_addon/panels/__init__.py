"""What is seen."""

from . import bones_ui, cast_ui, main_panel

CLASSES = (*bones_ui.CLASSES, *cast_ui.CLASSES, *main_panel.CLASSES)
