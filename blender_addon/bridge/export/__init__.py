"""Characters written for other programs."""
