"""Theory of the steps per agent until E ‖∇J‖² ≤ ε: T = O(N^b ε^−ρ), b = −1.

Upper bounds for suitable step sizes; a measured exponent may be smaller, and constants are free.
"""

import numpy as np

from fedrl.reports.table.columns import THEORY_EXPONENT
from fedrl.reports.table.runs import Run

SLOPE = -1.0  # linear speed-up: every agent's steps fall as 1/N


def exponent(run: Run) -> float:
    """ρ as its record has it; NaN if the paper claims no rate, or the record has no column."""
    own = run.last.get(THEORY_EXPONENT)
    return float(own) if own is not None and np.isfinite(own) else float("nan")
