"""Where and when batches of runs are computed: workers, Ray, checkpoints, progress."""
