"""Estimate Pose: settings, request, the button, and what came of it."""
