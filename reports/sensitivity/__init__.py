"""Studies with a design: surfaces, importance, tuning sensitivity, guidelines."""
