"""What buttons do."""

from . import bones, estimate, export, setup, small

CLASSES = (*estimate.CLASSES, *setup.CLASSES, *export.CLASSES, *bones.CLASSES, *small.CLASSES)
