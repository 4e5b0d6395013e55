"""Families and algorithms in words and numbers: lists, thresholds, cross-evaluation, pages."""
