"""Algorithms for finite MDPs whose parameters are a table: policies, logits or Q."""
