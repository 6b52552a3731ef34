"""Feet that stay where the motion plants them, on legs of any length."""
