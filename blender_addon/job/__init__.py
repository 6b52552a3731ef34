"""A job as users see it: running, its state, its panel."""
