"""In and out: curves of other programs, other viewers, other folders."""
