"""Rendered pictures of people with exact labels."""
