"""What buttons do."""

from . import bones, cast, estimate, export, setup, small

CLASSES = (*estimate.CLASSES, *setup.CLASSES, *export.CLASSES, *bones.CLASSES, *cast.CLASSES, *small.CLASSES)
