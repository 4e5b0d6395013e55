"""Any Gymnasium environment as a family: an id and a table of knobs."""
