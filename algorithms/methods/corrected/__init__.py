"""Algorithms that correct their direction: momentum, snapshots, control variates."""
