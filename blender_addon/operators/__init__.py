"""What buttons do."""

from . import bones, cast, estimate, export, models, setup, small

CLASSES = (
    *estimate.CLASSES,
    *setup.CLASSES,
    *models.CLASSES,
    *export.CLASSES,
    *bones.CLASSES,
    *cast.CLASSES,
    *small.CLASSES,
)
