"""The scene remembered before a change, and put back."""
