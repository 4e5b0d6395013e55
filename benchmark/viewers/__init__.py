"""Formats of other viewers, one a file; each imports its own package only when it writes."""
