"""Inputs of the estimators: options of a config, value baselines, and MDPs instead of episodes."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from gymnasium import spaces

from fedrl.algorithms.estimators import baseline
from fedrl.algorithms.estimators.exact import ExactGradients, Model
from fedrl.algorithms.estimators.gradients import CompiledGradients, Probe
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.rollout import Episodes, Sampler
from fedrl.envs.family import Array, Family


def estimators(config: Config, family: Family, policy: Policy) -> tuple[Any, Probe]:
    """The estimators a configuration asks for, and what records their importance weights."""
    probe = Probe()
    if config.gradients == "exact":
        exact = ExactGradients(policy, family.discount, family.horizon, config.entropy)  # type: ignore[arg-type]
        return exact, probe
    cap = float("inf") if config.weight_cap is None else config.weight_cap
    sampled = CompiledGradients(
        policy,
        family.discount if config.critic is None else 1.0,  # advantages are not weighted by γ^h
        cap,
        per_decision=config.per_decision,
        whiten=config.whiten,
        entropy=config.entropy,
        per_step_mean=config.per_step_mean,
        probe=probe,
    )
    return sampled, probe


_MODELS: WeakKeyDictionary[Sampler, tuple[Array, Array, Array]] = WeakKeyDictionary()


def models(sampler: Sampler, points: Array) -> Any:
    """The sampler's MDPs, as an exact estimator reads them at points (L, d)."""
    if sampler not in _MODELS:
        task = sampler.task
        parts = (task.kernel, task.reward, task.start)
        kernel, reward, start = map(np.ascontiguousarray, parts)
        _MODELS[sampler] = (kernel, reward, start)
    return Model(*_MODELS[sampler], points)  # type: ignore[arg-type]


class Baseline(NamedTuple):
    """V_i(s, h) of all agents, linear in features; fitted on past rounds, so that E g stays ∇J."""

    discount: float
    states: int  # of a finite MDP, else 0
    coefficients: Array  # (G·N, f), f = 0 without a baseline

    @classmethod
    def of(cls, config: Config, family: Family, lanes: int) -> Baseline:
        """Zero before the first round."""
        space = family.observation_space
        states = int(space.n) if isinstance(space, spaces.Discrete) else 0
        width = (space.shape or (1,))[0]
        size = baseline.features(states, width) if config.baseline == "linear" else 0
        return cls(family.discount, states, np.zeros((lanes, size)))

    def values(self, rows: Array, played: Episodes) -> Array:
        """V_i of the steps taken by these lanes: (L, B, T)."""
        if not self.coefficients.shape[1]:
            return np.zeros(played.reward.shape, played.reward.dtype)
        own = np.ascontiguousarray(self.coefficients[rows])
        found = baseline.predict(own, played.observation, played.length, self.states)
        return found.astype(played.reward.dtype, copy=False)  # type: ignore[no-any-return]

    def fitted(self, rows: Array, played: Episodes) -> Baseline:
        """After these lanes have played, for the rounds to come."""
        if not self.coefficients.shape[1]:
            return self
        parts = (played.observation, played.reward, played.length)
        new = baseline.fit(*parts, self.discount, self.states)
        coefficients = self.coefficients.copy()
        coefficients[rows] = new
        return self._replace(coefficients=coefficients)
