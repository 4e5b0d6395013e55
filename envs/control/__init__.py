"""Families of classic control and linear systems, compiled by numba."""
