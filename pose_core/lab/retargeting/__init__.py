"""Measuring retargeting on many rigs."""
