"""The ablations of the papers behind the image networks."""
