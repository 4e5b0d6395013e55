"""Tuning: equal trial budgets, seeds that no report reads, and files of tuned values."""
