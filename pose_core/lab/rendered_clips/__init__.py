"""Rendered clips of clothed people whose motion and camera are known exactly."""
