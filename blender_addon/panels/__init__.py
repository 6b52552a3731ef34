"""What is seen."""

from . import main_panel

CLASSES = main_panel.CLASSES
