"""Learning curves on one grid of steps, for figures of one's own."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fedrl.reports.table.records import families


def resample(records: Any, grid: ArrayLike) -> pd.DataFrame:
    """Scores of every run at the same numbers of steps, as reports take them.

    `grid`: environment steps per agent, rising. One row per run and step, with the columns family,
    kappa, algorithm, agents, seed, cell, steps_per_agent, score. Between evaluation points the
    score is linear; it is NaN beyond the end of a run, except that a diverged run goes on to its
    budget as the worse of its last score and the random policy's. ValueError unless the grid rises.
    """
    steps = np.asarray(grid, dtype=np.float64)
    if steps.ndim != 1 or not len(steps) or (np.diff(steps) <= 0).any() or steps[0] < 0:
        raise ValueError("grid must be a list of rising steps per agent, 0 or larger")
    frames = []
    for family in families(records):
        for run in family.runs:
            x, y = run.outcome.curve
            inside = (steps >= x[0]) & (steps <= x[-1])
            frames.append(
                pd.DataFrame(
                    {
                        **{"family": run.family, "kappa": run.kappa},
                        **{"algorithm": run.series.algorithm, "agents": run.agents},
                        **{"seed": run.seed, "cell": run.cell, "steps_per_agent": steps},
                        "score": np.where(inside, np.interp(steps, x, y), np.nan),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
