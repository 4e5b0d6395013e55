"""Pages about what was measured: their tables and findings, from the published studies."""
