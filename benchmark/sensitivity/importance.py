"""How much each hyperparameter decides: PED-ANOVA by Optuna.

Importance is the Pearson divergence between a hyperparameter's values in the best settings and in
all settings, as a share of the sum over hyperparameters.  Watanabe, Bansal & Hutter 2023.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.benchmark.config.spaces.design import Design
from fedrl.envs.family import Array
from fedrl.reports.table.surfaces.design import Surface

BEST = 0.25  # share of the settings that count as the best; a tenth of few is noise
RESAMPLES = 100
LEVEL = 0.95
ROUNDING = 1e-15  # of a divergence that is 0


def importances(surfaces: Sequence[Surface], design: Design, seed: int = 0) -> list[dict[str, Any]]:
    """A row per environment, algorithm and hyperparameter: importance and bootstrap interval.

    Shares of the mean over seeds; the interval redraws seeds. None where nothing is known: the
    value if no setting differs from another, the bounds with a single seed.
    """
    rows = []
    for surface in surfaces:
        for place, environment in enumerate(surface.environments):
            named = {
                "family": environment.family,
                "kappa": environment.kappa,
                "agents": environment.agents,
                **dict(environment.rest),
                "algorithm": surface.algorithm,
            }
            generator = np.random.default_rng([seed, place])
            value, low, high = _with_interval(
                surface, surface.performance[place], design, generator
            )
            rows += [
                {
                    **named,
                    "hyperparameter": name,
                    "importance": _or_none(value[at]),
                    "low": _or_none(low[at]),
                    "high": _or_none(high[at]),
                }
                for at, name in enumerate(surface.names)
            ]
    return rows


def _with_interval(
    surface: Surface, values: Array, design: Design, generator: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Shares and their bounds, (hyperparameters,) each, from the values (H, n)."""
    value = shares(surface, values.mean(axis=1), design)
    nothing = np.full_like(value, np.nan)
    count = values.shape[1]
    if count < 2:
        return value, nothing, nothing
    drawn = generator.integers(count, size=(RESAMPLES, count))
    again = np.array([shares(surface, values[:, one].mean(axis=1), design) for one in drawn])
    again = again[~np.isnan(again).any(axis=1)]
    if not len(again):
        return value, nothing, nothing
    low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return value, low, high


def shares(surface: Surface, performance: Array, design: Design) -> Array:
    """Importance of each hyperparameter from the performance (H,) of the settings; sum 1.

    NaN where every setting performs alike.
    """
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.trial import create_trial

    if performance.max() == performance.min():
        return np.full(len(surface.names), np.nan)
    distributions = _distributions(surface, design)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few settings per level are what a grid has
            study = optuna.create_study(direction="maximize")
            study.add_trials(
                [
                    create_trial(
                        params=dict(zip(surface.names, setting, strict=True)),
                        distributions=distributions,
                        value=float(value),
                    )
                    for setting, value in zip(surface.settings.tolist(), performance, strict=True)
                ]
            )
            evaluated = PedAnovaImportanceEvaluator(target_quantile=BEST).evaluate(
                study, params=list(surface.names)
            )
    finally:
        optuna.logging.set_verbosity(before)
    raw = np.array([evaluated[name] for name in surface.names])
    raw[raw < ROUNDING] = 0.0
    return raw / raw.sum() if raw.sum() > 0 else np.full(len(raw), np.nan)


def _distributions(surface: Surface, design: Design) -> dict[str, Any]:
    """Levels are categories, so that no distance between them is assumed; intervals stay so."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    found: dict[str, Any] = {}
    for name in surface.names:
        axis, taken = design.space[name], surface.values(name)
        if axis.listed is not None or axis.low is None or axis.high is None:
            found[name] = CategoricalDistribution(np.unique(taken).tolist())
        else:
            # Rounding a whole number may pass an end that is none.
            low, high = min(axis.low, taken.min()), max(axis.high, taken.max())
            found[name] = FloatDistribution(float(low), float(high), log=axis.logarithmic)
    return found


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
