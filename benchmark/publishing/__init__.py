"""From the store to the table of records, reports, published studies, and back: verify, replay."""
