"""The benchmark: studies become configurations, runs, records and published reports.

A room imports only rooms below it: cli > inspection > tuning, publishing > conformance, execution >
training, storage, sensitivity > config.
"""
