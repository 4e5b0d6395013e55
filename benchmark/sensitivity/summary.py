"""Sensitivity in a few numbers per algorithm.  Adkins, Bowling & White 2024."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmark.sensitivity.design import Design
from benchmark.sensitivity.performance import Performance, performances
from reports import sensitivity_statistics as sensitivities
from reports.specification import Specification
from reports.statistics import Estimate

NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


class Owed(NamedTuple):
    """What one algorithm owes to its hyperparameters."""

    algorithm: str
    settings: int
    environments: int  # those where settings differ at all
    sensitivity: Estimate  # Φ, chosen on half of the seeds and scored on the others
    plug_in: float  # Φ, chosen and scored on all seeds: too large where there is noise
    dimensionality: Estimate  # d; NaN unless the settings are a full grid
    diverged: float  # share of (environment, setting) in which a run diverged


def summarise(frame: pd.DataFrame, design: Design) -> list[Owed]:
    """A line per algorithm, over the environments in which all of them are complete."""
    found = performances(frame, design)
    if not found:
        return []
    shared = [e for e in found[0].environments if all(e in one.environments for one in found)]
    arrays = [_of(one, shared) for one in found]
    means = np.concatenate([values.mean(axis=2) for values in arrays], axis=1)
    low, high = np.percentile(means, [5, 95], axis=1) if len(means) else (means, means)
    different = np.flatnonzero(high > low)
    if not len(different):
        return []
    gammas = sensitivities.normalised([values[different] for values in arrays])
    return [_owed(one, gamma) for one, gamma in zip(found, gammas, strict=True)]


def _of(one: Performance, environments: list[tuple[object, ...]]) -> np.ndarray:
    return one.values[[one.environments.index(e) for e in environments]]


def _owed(one: Performance, gamma: np.ndarray) -> Owed:
    seed = Specification().seed
    several = gamma.shape[2] >= 2
    measure = sensitivities.sensitivity
    phi = sensitivities.estimated(gamma, measure, seed=seed) if several else NOTHING
    dimensions = NOTHING
    if one.is_grid and several:
        count = sensitivities.dimensionality(one.shape)
        dimensions = sensitivities.estimated(gamma, count, seed=seed)
    return Owed(
        one.algorithm,
        len(one.settings),
        len(gamma),
        phi,
        sensitivities.plug_in(gamma, measure),
        dimensions,
        float(one.diverged.any(axis=2).mean()),
    )
