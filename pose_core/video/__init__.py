"""Reading videos and image sequences, and writing previews."""
