"""Training of image networks."""
