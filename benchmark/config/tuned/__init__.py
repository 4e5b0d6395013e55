"""Tuned values: their files, what they were tuned for, and the ones that fit a configuration."""
