"""What buttons do."""

from . import estimate, export, setup, small

CLASSES = (*estimate.CLASSES, *setup.CLASSES, *export.CLASSES, *small.CLASSES)
