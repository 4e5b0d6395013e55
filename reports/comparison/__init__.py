"""Algorithms side by side: the chapters of a report, leaderboard and profiles."""
