"""Contacts with the floor, and what they say of which way is up."""
