"""How much each hyperparameter decides: PED-ANOVA by Optuna.

Importance is the Pearson divergence between a hyperparameter's values in the best settings and in
all settings, as a share of the sum over hyperparameters.  Watanabe, Bansal & Hutter 2023.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from benchmark.sensitivity.design import Design
from benchmark.sensitivity.performance import Performance, performances
from envs.family import Array

BEST = 0.25  # share of the settings that count as the best; a tenth of few is noise
RESAMPLES = 100
LEVEL = 0.95


def importances(frame: pd.DataFrame, design: Design, seed: int = 0) -> list[dict[str, Any]]:
    """A row per environment, algorithm and hyperparameter: importance and bootstrap interval.

    Shares of the mean over seeds; the interval redraws seeds. None where nothing is known: the
    value if no setting differs from another, the bounds with a single seed.
    """
    rows = []
    for found in performances(frame, design):
        for place, environment in enumerate(found.environments):
            named = dict(zip(found.columns, environment, strict=True))
            generator = np.random.default_rng([seed, place])
            value, low, high = _with_interval(found, found.values[place], design, generator)
            rows += [
                {
                    **named,
                    "algorithm": found.algorithm,
                    "hyperparameter": name,
                    "importance": _or_none(value[at]),
                    "low": _or_none(low[at]),
                    "high": _or_none(high[at]),
                }
                for at, name in enumerate(found.names)
            ]
    return rows


def _with_interval(
    found: Performance, values: Array, design: Design, generator: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Shares and their bounds, (hyperparameters,) each, from the values (H, n)."""
    value = shares(found, values.mean(axis=1), design)
    count = values.shape[1]
    if count < 2:
        nothing = np.full_like(value, np.nan)
        return value, nothing, nothing
    drawn = generator.integers(count, size=(RESAMPLES, count))
    again = np.array([shares(found, values[:, one].mean(axis=1), design) for one in drawn])
    if np.isnan(again).any():
        again = again[~np.isnan(again).any(axis=1)]
    if not len(again):
        nothing = np.full_like(value, np.nan)
        return value, nothing, nothing
    low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return value, low, high


def shares(found: Performance, performance: Array, design: Design) -> Array:
    """Importance of each hyperparameter from the performance (H,) of the settings; sum 1.

    NaN where every setting performs alike.
    """
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.trial import create_trial

    if performance.max() == performance.min():
        return np.full(len(found.names), np.nan)
    distributions: dict[str, BaseDistribution] = {}
    for at, name in enumerate(found.names):
        axis = design.space[name]
        if axis.listed is not None or axis.low is None or axis.high is None:
            levels = sorted({setting[at] for setting in found.settings})
            distributions[name] = CategoricalDistribution(levels)
        else:
            # Rounding a whole number may pass an end that is none.
            low = min(axis.low, *(setting[at] for setting in found.settings))
            high = max(axis.high, *(setting[at] for setting in found.settings))
            distributions[name] = FloatDistribution(low, high, log=axis.logarithmic)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few settings per level are what a grid has
            study = optuna.create_study(direction="maximize")
            study.add_trials(
                [
                    create_trial(
                        params=dict(zip(found.names, setting, strict=True)),
                        distributions=distributions,
                        value=float(value),
                    )
                    for setting, value in zip(found.settings, performance, strict=True)
                ]
            )
            evaluated = PedAnovaImportanceEvaluator(target_quantile=BEST).evaluate(
                study, params=list(found.names)
            )
    finally:
        optuna.logging.set_verbosity(before)
    raw = np.array([evaluated[name] for name in found.names])
    total = raw.sum()
    return raw / total if total > 0 else np.full(len(raw), np.nan)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
