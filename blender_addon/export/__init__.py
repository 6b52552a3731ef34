"""Export of a character for other programs."""
