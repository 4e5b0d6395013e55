"""Trust: verify, replay, publish, submit, compare, judge claims."""
