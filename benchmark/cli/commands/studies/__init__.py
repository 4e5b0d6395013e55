"""Studies: write, run, watch, report, export."""
