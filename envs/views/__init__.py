"""Families as Gymnasium environments, with pictures."""
