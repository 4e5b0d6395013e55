"""The benchmark: studies become configurations, runs, records and published reports.

docs/architecture.md draws its rooms and their order.
"""
