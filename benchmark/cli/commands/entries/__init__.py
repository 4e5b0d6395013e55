"""Families and algorithms: draw, film, check, compare, describe."""
