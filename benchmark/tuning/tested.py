"""What tuned values give on test seeds, beside the scores on select seeds that chose them.

A winner is the best of several finalists on the same select seeds, so its score there is too good.
Test seeds had no part in choosing.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fedrl.benchmark.config.tuned.entries import Entry
from fedrl.benchmark.tuning.objective import READ, run_of
from fedrl.reports.statistics.estimates import Estimate, estimate, mean
from fedrl.reports.table.records import begun

RESAMPLES, LEVEL = 2000, 0.95


class Optimism(NamedTuple):
    """How much better scores are on the seeds that chose than on others."""

    tasks: int
    below: int  # tasks whose mean on test seeds is below the select score's interval
    mean: float  # of select score - test score


def score(records: Any, family: str, algorithm: str, entry: Entry) -> Estimate | None:
    """Mean performance of the test runs at these values and its interval; None without such runs.

    `records` is the tidy table of studies that use tuned values; of runs with another budget than
    the tuning had nothing is read.
    """
    wanted = {
        **{"family": family, "algorithm": algorithm, "kappa": entry.kappa},
        **{"agents": entry.agents, "budget": entry.budget},
        **entry.values,
    }
    wanted |= {n: v for n, v in entry.settings.items() if isinstance(v, int | float)}
    own = records
    for name, value in wanted.items():
        if name not in own.columns:
            return None
        number = isinstance(value, int | float)
        same = (
            np.isclose(own[name].astype(float), value, rtol=1e-9) if number else own[name] == value
        )
        own = own[same]
    if "weight_cap" in own.columns and "weight_cap" not in entry.settings:
        own = own[own["weight_cap"].isna()]
    scores = []
    for _, rows in begun(own).groupby("seed"):
        rows = rows.sort_values("round")
        columns = {name: rows[name].to_numpy() for name in READ}
        run = run_of(columns, "steps_per_agent", entry.budget)  # as the tuner counts it
        scores.append(run.performance(entry.budget))
    if not scores:
        return None
    return estimate(scores, mean, seed=0, resamples=RESAMPLES, level=LEVEL)


def optimism(pairs: Iterable[tuple[Entry, Estimate]]) -> Optimism:
    """Over entries with their scores on test seeds."""
    apart, below = [], 0
    for entry, test in pairs:
        apart.append(entry.score - test.value)
        below += test.value < entry.interval[0]
    return Optimism(len(apart), below, math.fsum(apart) / len(apart) if apart else math.nan)
