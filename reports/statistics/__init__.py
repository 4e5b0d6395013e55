"""Statistics of arrays; nothing here knows of records."""
