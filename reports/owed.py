"""What every algorithm owes to tuning: Φ, d, diverged settings, over the same environments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reports import sensitivity_statistics as ss
from reports import statistics as st
from reports.design import Surface
from reports.specification import Sensitivity
from reports.statistics import Array, Estimate

GRID_ONLY = "not a full grid"


class Owed(NamedTuple):
    """One algorithm. Performance is Γ: 0 and 1 are the 5th and 95th percentile of a place."""

    surface: Surface
    environments: int
    phi: Estimate  # chosen on one half of the seeds, scored on the other
    plug_in: float  # of Φ: chosen and scored on all seeds; NaN without two seeds to split
    tuned: Estimate  # best setting of every environment
    shared: Estimate  # one setting for all
    setting: Array  # that setting, chosen on all seeds
    dimensions: float  # NaN where there is none
    why: str  # there is none
    lost: int  # (environment, setting) pairs with a diverged run
    pairs: int
    lost_bounds: tuple[float, float]  # of their share, Wilson
    lost_runs: Estimate  # share of diverged runs, interval over seeds


def gammas(surfaces: Sequence[Surface]) -> tuple[list[Array], list[int]]:
    """Γ (E', H, n) of each, and which environments those are: where settings differ at all."""
    pooled = np.concatenate([surface.means for surface in surfaces], axis=1)
    low, high = np.percentile(pooled, [5, 95], axis=1)
    kept = [int(i) for i in np.flatnonzero(high > low)]
    if not kept:
        raise ValueError(
            "the settings of this design perform alike in every environment: there is no "
            "sensitivity to speak of; widen the axes of the design or train for longer"
        )
    return ss.normalised([surface.performance[kept] for surface in surfaces]), kept


def owed(surface: Surface, gamma: Array, kept: Sequence[int], spec: Sensitivity) -> Owed:
    """From Γ (E', H, n) in the environments `kept`."""
    settings = gamma.shape[1]
    whole = (settings,)

    def free(choose: Array, score: Array) -> float:
        return ss.tuned(choose, score, 0, whole, every=True)

    def fixed(choose: Array, score: Array) -> float:
        return ss.tuned(choose, score, 0, whole)

    dimensions, why = _dimensions(surface, gamma, spec)
    diverged = surface.diverged[list(kept)]
    pairs = diverged.any(axis=2)
    lost = int(pairs.sum())
    chosen = int(np.argmax(gamma.mean(axis=(0, 2))))
    return Owed(
        surface,
        len(gamma),
        _estimated(gamma, ss.sensitivity, spec),
        ss.plug_in(gamma, ss.sensitivity),
        _estimated(gamma, free, spec),
        _estimated(gamma, fixed, spec),
        surface.settings[chosen],
        dimensions,
        why,
        lost,
        pairs.size,
        st.wilson(lost, pairs.size, spec.level),
        st.estimate(diverged.mean(axis=(0, 1)), st.mean, **spec.bootstrap),
    )


def _estimated(gamma: Array, measure: ss.Measure, spec: Sensitivity) -> Estimate:
    """Split over seeds; a single seed cannot be split, and leaves nothing but the plug-in."""
    if gamma.shape[2] < 2:
        return Estimate(ss.plug_in(gamma, measure), float("nan"), float("nan"))
    return ss.estimated(
        gamma,
        measure,
        seed=spec.seed,
        resamples=spec.redrawn,
        level=spec.level,
        splits=spec.splits,
    )


def _dimensions(surface: Surface, gamma: Array, spec: Sensitivity) -> tuple[float, str]:
    """Chosen and scored on all seeds: noise can only raise the number of those that matter."""
    if not surface.is_grid:
        return float("nan"), GRID_ONLY
    value = ss.plug_in(gamma, ss.dimensionality(surface.shape, spec.share))
    return value, "" if np.isfinite(value) else "nothing learned"
