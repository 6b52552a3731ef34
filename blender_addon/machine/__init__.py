"""The machine: worker environment, models, preferences."""
