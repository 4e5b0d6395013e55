"""From the tidy table to runs, targets, scores and tables of numbers."""
