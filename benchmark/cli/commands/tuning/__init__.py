"""Tuning: find values, list them, tell what results owe to them."""
