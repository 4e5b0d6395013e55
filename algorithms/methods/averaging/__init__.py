"""Algorithms that average gradients as they are, without a correction."""
