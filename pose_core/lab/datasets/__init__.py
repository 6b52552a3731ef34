"""Recordings and pictures of people with joints, to train on and to measure with."""
