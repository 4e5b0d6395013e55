"""Simulated coverage of the nominal 95 % of intervals over several settings that share seeds."""

from collections.abc import Callable
from typing import Any

import numpy as np

Bounds = Callable[[Any, list[Any], int], tuple[Any, Any]]  # (seeds, strata, trial) → (low, high)


def coverage(
    bounds: Bounds, correlation: float, *, trials: int, seeds: int = 10, settings: int = 4
) -> float:
    """Share of intervals that hold 0, the truth: runs of a seed correlate over the settings."""
    generator, inside = np.random.default_rng(3), 0
    for trial in range(trials):
        shared = np.sqrt(correlation) * generator.normal(size=seeds)
        own = np.sqrt(1 - correlation) * generator.normal(size=(settings, seeds))
        low, high = bounds([range(seeds)] * settings, list(shared + own), trial)
        inside += low <= 0 <= high
    return inside / trials
