"""Debt of every algorithm to tuning: Φ, d, diverged settings, over the same environments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.statistics.estimates import Array, Estimate
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Surface


class TuningSensitivity(NamedTuple):
    """One algorithm. Performance is Γ: 0 and 1 are the 5th and 95th percentile of a place."""

    surface: Surface
    environments: int
    phi: Estimate  # chosen on one half of the seeds, scored on the other
    plug_in: float  # of Φ: chosen and scored on all seeds; NaN without two seeds to split
    tuned: Estimate  # best setting of every environment
    shared: Estimate  # one setting for all
    setting: Array  # that setting, chosen on all seeds
    dimensions: float  # NaN without a full grid, or where nothing was learned
    draws: Array  # (resamples, 2) of `tuned` and `shared`; none below four seeds
    lost: int  # (environment, setting) pairs with a diverged run
    pairs: int
    lost_bounds: tuple[float, float]  # of their share, Wilson
    lost_runs: Estimate  # share of diverged runs, interval over seeds


def gammas(surfaces: Sequence[Surface]) -> tuple[list[Array], list[int]]:
    """Γ (E', H, n) of each, and which environments those are: where settings differ at all."""
    found, kept = ss.normalised([surface.performance for surface in surfaces])
    if not kept:
        raise ValueError(
            "the settings of this design perform alike in every environment: there is no "
            "sensitivity to speak of; widen the axes of the design or train for longer"
        )
    return found, kept


def owed(
    surface: Surface, gamma: Array, kept: Sequence[int], spec: Sensitivity
) -> TuningSensitivity:
    """From Γ (E', H, n) in the environments `kept`."""

    def both(choose: Array, score: Array) -> Array:
        return np.array([ss.at_best(choose, score, every=every) for every in (True, False)])

    (tuned, shared), draws = ss.resampled(gamma, both, **spec.redraws)
    diverged = surface.diverged[list(kept)]
    pairs = diverged.any(axis=2)
    lost = int(pairs.sum())
    chosen = int(np.argmax(gamma.mean(axis=(0, 2))))
    return TuningSensitivity(
        surface,
        len(gamma),
        ss.interval(float(tuned - shared), draws[:, 0] - draws[:, 1], spec.level),
        ss.plug_in(gamma, ss.sensitivity),
        ss.interval(float(tuned), draws[:, 0], spec.level),
        ss.interval(float(shared), draws[:, 1], spec.level),
        surface.settings[chosen],
        # chosen and scored on all seeds: noise can only raise the number of those that matter
        ss.plug_in(gamma, ss.dimensionality(surface.shape, spec.share))
        if surface.is_grid
        else float("nan"),
        draws,
        lost,
        pairs.size,
        st.wilson(lost, pairs.size, spec.level),
        st.estimate(diverged.mean(axis=(0, 1)), st.mean, **spec.bootstrap),
    )


def difference(
    one: TuningSensitivity, base: TuningSensitivity, spec: Sensitivity
) -> tuple[Estimate, Estimate]:
    """ΔP and ΔΦ of `one` and `base`, paired: both meet the same redraws of the seeds."""
    performance = one.draws[:, 0] - base.draws[:, 0]
    sensitivity = performance - (one.draws[:, 1] - base.draws[:, 1])
    return (
        ss.interval(one.tuned.value - base.tuned.value, performance, spec.level),
        ss.interval(one.phi.value - base.phi.value, sensitivity, spec.level),
    )
