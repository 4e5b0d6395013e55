"""Propose trials: a function of the space, the finished trials and a seed, nothing else.

There is no sampler state to lose. Every wave has a fresh sampler with a seed of its own, which is
told the finished trials in their order; so tuning that was killed, or that is repeated elsewhere,
proposes the same.
"""

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import optuna
from scipy.stats import qmc

from fedrl.benchmark.config.spaces.parameter import Parameter, Space, Values, grid, is_grid

CANDIDATES = 24  # of the expected-improvement step


class FinishedTrial(NamedTuple):
    """A finished trial."""

    values: Values  # coordinates: multiples where a parameter has a unit
    score: float


def quasi_random(space: Space, count: int, seed: int) -> list[Values]:
    """The first points of a scrambled Sobol' sequence (Owen 1998) on the space."""
    sequence = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
    points = sequence.random_base2(max(0, math.ceil(math.log2(count))))[:count]
    return [{p.name: p.at(u) for p, u in zip(space, row, strict=True)} for row in points.tolist()]


def propose(
    space: Space, own: Sequence[Values], told: Sequence[FinishedTrial], count: int, seed: int
) -> list[Values]:
    """Points of the next wave: `own` ones and quasi-random ones, then those of TPE.

    Tree-structured Parzen estimators (Bergstra et al. 2011), multivariate (Falkner et al. 2018);
    a trial of the same wave counts as a bad one, so that a wave spreads out.
    """
    if is_grid(space):
        return grid(space)
    if not told:
        first = list(own[:count])
        rest = count - len(first)
        return first + (quasi_random(space, rest, seed) if rest else [])
    distributions = {parameter.name: distribution(parameter) for parameter in space}
    study = _study(seed)
    for trial in told:
        study.add_trial(
            optuna.trial.create_trial(
                params=trial.values, distributions=distributions, value=trial.score
            )
        )
    asked = [study.ask(distributions) for _ in range(count)]
    return [{p.name: p.rounded(trial.params[p.name]) for p in space} for trial in asked]


def distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    """The same dimension in Optuna's words."""
    low, high, log = parameter.low, parameter.high, parameter.log
    if parameter.levels:
        return optuna.distributions.CategoricalDistribution(parameter.levels)
    if parameter.whole:
        return optuna.distributions.IntDistribution(round(low), round(high), log=log)
    return optuna.distributions.FloatDistribution(low, high, log=log)


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=0,
            n_ei_candidates=CANDIDATES,
            multivariate=True,
            constant_liar=True,
            seed=seed,
        )
    return optuna.create_study(direction="maximize", sampler=sampler)
