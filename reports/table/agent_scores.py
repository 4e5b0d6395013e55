"""The scores of a run's agents, where records have them."""

from collections.abc import Sequence

import numpy as np

from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.columns import AGENT
from fedrl.reports.table.runs import Run

PERCENTILES = (10, 90)


def agent_scores(run: Run) -> Array:
    """Final scores of the agents (N,), or of size 0; of a diverged run none is above random."""
    found = np.array([float(run.last.get(f"{AGENT}{i}", np.nan)) for i in range(run.agents)])
    if not np.isfinite(found).all():
        return np.empty(0)
    return np.minimum(found, run.random) if run.diverged else found


def known(runs: Sequence[Run]) -> bool:
    """Whether every run has the scores of its agents."""
    return all(len(agent_scores(run)) for run in runs)


def spread(scores: Array) -> float:
    """The 90th less the 10th percentile over agents."""
    low, high = np.percentile(scores, PERCENTILES)
    return float(high - low)
