"""Figures, static and interactive, and the parts that pages are made of."""
