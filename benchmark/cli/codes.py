"""Exit codes of the command, apart from 0."""

USER_ERROR = 2
FAILED_RUNS = 1
BROKEN = 1  # a law of `check` does not hold
DIFFERENT = 1  # something that should be the same is not
INTERRUPTED = 130
