"""Which person of the video plays which character."""
