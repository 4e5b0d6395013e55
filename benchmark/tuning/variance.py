"""How much of a tuned value is luck: the whole tuning repeated by other tuners."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Over R tuners, each with tune and select seeds of its own."""

    repeats: int
    mean: float  # of the winners' scores
    deviation: float  # with R - 1
    low: float
    high: float
    values: dict[str, tuple[float, float]]  # smallest and largest winning value


def spread_of(scores: Sequence[float], values: Sequence[dict[str, float]]) -> Spread:
    """Summarise the winners' scores on selection seeds, and their values."""
    array = np.asarray(scores, dtype=np.float64)
    ranges = {
        name: (min(v[name] for v in values), max(v[name] for v in values)) for name in values[0]
    }
    deviation = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    low, high = float(array.min()), float(array.max())
    return Spread(len(array), float(array.mean()), deviation, low, high, ranges)
