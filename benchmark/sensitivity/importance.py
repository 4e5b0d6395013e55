"""How much each hyperparameter decides: PED-ANOVA by Optuna.

Importance is the Pearson divergence between a hyperparameter's values in the best settings and in
all settings, as a share of the sum over hyperparameters.  Watanabe, Bansal & Hutter 2023.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import special

from fedrl.benchmark.config.spaces.design import Design
from fedrl.envs.family import Array
from fedrl.reports.table.surfaces.design import Surface

BEST = 0.25  # share of the settings that count as the best; a tenth of few is noise
RESAMPLES = 100
LEVEL = 0.95
DIGITS = 12  # decimals that are kept
ROUNDING = 1e-15  # of a divergence that is 0
Shares = Callable[[Array], Array]  # performance (H,) -> share of every hyperparameter


def importances(surfaces: Sequence[Surface], design: Design, seed: int = 0) -> list[dict[str, Any]]:
    """A row per environment, algorithm and hyperparameter: importance and interval over seeds.

    Importance is that of the means over n seeds; noise left in them evens it out, so it is not that
    of settings without noise. None where nothing is known: the value if no setting differs from
    another, the bounds with a single seed.
    """
    rows = []
    for surface in surfaces:
        shares = importance(surface, design)
        for place, environment in enumerate(surface.environments):
            named = {
                "family": environment.family,
                "kappa": environment.kappa,
                "agents": environment.agents,
                **dict(environment.rest),
                "algorithm": surface.algorithm,
            }
            generator = np.random.default_rng([seed, place])
            found = with_interval(shares, surface.performance[place], generator)
            for name, *interval in zip(surface.names, *found, strict=True):
                value, low, high = map(_or_none, interval)
                told = {"hyperparameter": name, "importance": value, "low": low, "high": high}
                rows.append(named | told)
    return rows


def with_interval(
    shares: Shares, values: Array, generator: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Shares of the mean of the values (H, n) over seeds, and bounds; (hyperparameters,) each.

    t of n - 1 degrees of freedom times the deviation of replicates to either side, inside [0, 1]. A
    replicate redraws n - 1 of the n seeds, so that its mean varies as the mean of n does. Not the
    replicates' percentiles: with the noise of few seeds drawn twice, replicates lean to equal
    shares, and their interval may miss the estimate. tests/thorough/test_coverage.py simulates it.
    """
    value = shares(values.mean(axis=1))
    nothing = np.full_like(value, np.nan)
    count = values.shape[1]
    if count < 2:
        return value, nothing, nothing
    drawn = generator.integers(count, size=(RESAMPLES, count - 1))
    again = np.array([shares(values[:, one].mean(axis=1)) for one in drawn])
    again = again[~np.isnan(again).any(axis=1)]
    if not len(again):
        return value, nothing, nothing
    width = special.stdtrit(count - 1, (1 + LEVEL) / 2) * again.std(axis=0)
    return value, np.maximum(value - width, 0), np.minimum(value + width, 1)


def importance(surface: Surface, design: Design) -> Shares:
    """What makes of the performance (H,) of its settings the shares of its hyperparameters; sum 1.

    NaN where every setting performs alike.
    """
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.trial import create_trial

    distributions = _distributions(surface, design)
    settings = surface.settings.tolist()
    points = [dict(zip(surface.names, setting, strict=True)) for setting in settings]
    with _quiet():
        study = optuna.create_study()
        study.add_trials(
            [create_trial(params=one, distributions=distributions, value=0.0) for one in points]
        )
    evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST)

    def shares(performance: Array) -> Array:
        if performance.max() == performance.min():
            return np.full(len(surface.names), np.nan)
        with _quiet():
            evaluated = evaluator.evaluate(  # which takes the smallest for the best
                study, list(surface.names), target=lambda trial: -float(performance[trial.number])
            )
        raw = np.array([evaluated[name] for name in surface.names])
        raw[raw < ROUNDING] = 0.0
        return raw / raw.sum() if raw.sum() > 0 else np.full(len(raw), np.nan)

    return shares


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's words on few settings per level, which a grid has."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        optuna.logging.set_verbosity(before)


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
    """Write the digits on which all processors agree."""
    return None if np.isnan(value) else round(float(value), DIGITS)
