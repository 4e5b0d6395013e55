"""Theory of the steps per agent until E ‖∇J‖² ≤ ε: T = O(N^b ε^−ρ), b = −1.

Upper bounds for suitable step sizes; a measured exponent may be smaller, and constants are free.
"""

import numpy as np

from fedrl.reports.table.runs import Run

SLOPE = -1.0  # linear speed-up: every agent's steps fall as 1/N

EXPONENT: dict[str, float] = {
    "fedsvrpg-m": 1.5,  # Wang et al. 2024, ε^(−3/2): recursive momentum
    "fedhapg-m": 1.5,
    "fedpg": 2.0,  # the rate of stochastic gradients without variance reduction
    "fedpg-m": 2.0,  # plain momentum does not improve it
}


def exponent(run: Run) -> float | None:
    """The record's own column `theory_exponent` where there is one, else what is known by name."""
    own = run.last.get("theory_exponent")
    if own is not None and np.isfinite(own):
        return float(own)
    return EXPONENT.get(run.series.algorithm)
