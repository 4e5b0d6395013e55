"""Algorithms: one paper, one file. Each imports the contract and never another algorithm."""
