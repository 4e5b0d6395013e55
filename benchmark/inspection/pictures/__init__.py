"""Families and policies in pictures: maps, strips, kernels, films."""
