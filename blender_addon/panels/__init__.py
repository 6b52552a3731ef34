"""What is seen."""

from . import bones_ui, main_panel

CLASSES = (*bones_ui.CLASSES, *main_panel.CLASSES)
