"""Differences between settings that a study without a design crosses.

Areas at the best of either side, such as several β at values that were tuned for each: which of
them counts is chosen on one half of the seeds and scored on the other. Falls of all runs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fedrl.benchmark.claims.estimands import fairness
from fedrl.benchmark.claims.estimands.chosen import ASSUMES, best_of_other_half
from fedrl.benchmark.claims.estimands.intervals import over_seeds
from fedrl.benchmark.claims.estimands.paired import ASSUMES as OF_SEEDS
from fedrl.benchmark.claims.estimands.paired import unscaled
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.verdict import Measured
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.normalised_scores import area
from fedrl.reports.table.runs import Family, Run

LAST = 5  # evaluation points at the end, of which a mean is taken
NONE = "none"  # how a file writes a setting that is off


def setting_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Area of the learning curve, best setting of `ours` minus best of `theirs`, over κ and N."""
    family = evidence.family(str(options["family"]))
    rows, shared = [], None
    for kappa, agents in family.panels:
        runs = family.among(kappa, agents)
        ours, theirs = (_areas(family, runs, options[side]) for side in ("ours", "theirs"))
        seeds = _seeds(ours) & _seeds(theirs)
        shared = seeds if shared is None else shared & seeds
        rows.append((ours, theirs))
    kept = sorted(shared or ())
    if len(kept) < 2 or not rows:
        raise NothingToMeasureError(f"{family.name} lacks one of the two sides, or their seeds")
    whole = np.mean([_best(a, kept) - _best(b, kept) for a, b in rows], axis=0)
    rival, own = (
        fairness.untuned(evidence, str(options[side]["algorithm"])) for side in ("theirs", "ours")
    )
    found = over_seeds(whole, level, max(len(kept) // 2, 1))
    return Measured(found, len(kept), rival, own, unscaled(family), ASSUMES)


def fall_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Share of runs that lost what they had learned, `ours` − `theirs`, seed by seed.

    A run lost it if the mean of its last `LAST` returns is below half of its best, which means
    something where returns are positive. Sides are as in `setting_difference`.
    """
    shares = []
    for told in (options["ours"], options["theirs"]):
        frame = evidence.frame
        for name, wanted in told.items():
            if name not in frame:
                raise NothingToMeasureError(f"study {evidence.study} has no column {name}")
            frame = frame[[_is(value, wanted) for value in frame[name]]]
        if frame.empty:
            raise NothingToMeasureError(f"study {evidence.study} has no runs of {told}")
        if frame["return"].max() <= 0:
            raise NothingToMeasureError(f"study {evidence.study} has no positive returns to halve")
        runs = frame.sort_values("round").groupby(["seed", "cell"], sort=True)
        shares.append(runs.apply(_fell).groupby("seed").mean())
    ours, theirs = shares
    shared = sorted(ours.index.intersection(theirs.index))
    if not shared:
        raise NothingToMeasureError("the two sides have no seed in common")
    apart = (ours[shared] - theirs[shared]).to_numpy()
    return Measured(over_seeds(apart, level), len(shared), assumes=OF_SEEDS[:1])


def _fell(run: Any) -> float:
    """1 if a run, rows by round, ended below half of its best."""
    best, last = run["return"].max(), run["return"].iloc[-LAST:].mean()
    return float(bool(run["diverged"].any()) or last < best / 2)


def _areas(family: Family, runs: list[Run], told: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """Cell → seed → area, of the cells with these values."""
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        if all(_is(run.last.get(name), wanted) for name, wanted in told.items()):
            found.setdefault(run.cell, {})[run.seed] = area(family, run)
    return found


def _is(value: Any, wanted: Any) -> bool:
    """Whether a column has the value, or one of several; "none" is an empty entry."""
    if isinstance(wanted, list):
        return any(_is(value, one) for one in wanted)
    empty = value is None or (isinstance(value, float) and np.isnan(value))
    return empty if wanted == NONE else bool(value == wanted)


def _seeds(cells: Mapping[str, Mapping[int, float]]) -> set[int]:
    """Seeds that all cells have."""
    return set.intersection(*(set(own) for own in cells.values())) if cells else set()


def _best(cells: Mapping[str, Mapping[int, float]], seeds: list[int]) -> Array:
    """(n,) every seed under the cell that the other half of the seeds chose."""
    values = np.array([[own[seed] for seed in seeds] for own in cells.values()])
    return values[best_of_other_half(values), np.arange(len(seeds))]
