"""Critics: a value network beside every agent's policy, for algorithms that have none of their own.

With one, the coefficient of ∇log π(a_h|s_h) in every estimator is the generalised advantage Â_h,
without a weight γ^h, as in practice. V is fitted to the batch of every local step after its
advantages are known, and stays with the agent or is averaged.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.actor_critic.critic import (
    critic_shape,
    critic_size,
    orthogonal_network,
)
from fedrl.algorithms.estimators.actor_critic.valuation import Fit, compiled_valuation
from fedrl.algorithms.estimators.policy import Policy, Table
from fedrl.benchmark.config.conditions import Critic
from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.training.messages.aggregation import averaged
from fedrl.benchmark.training.rollout import Episodes
from fedrl.envs.family import Array


class Critics(NamedTuple):
    """The critics of all agents of G federations."""

    rule: Critic | None
    policy: Policy
    discount: float
    states: Array  # (G·N, 3c + 1): V, Adam's moments and updates; c = 0 without critics

    @classmethod
    def of(cls, runs: list[Run], policy: Policy, discount: float, dtype: type) -> Critics:
        """Before the first round, every agent of a run with the same V."""
        config = runs[0].config
        if config.critic is None:
            return cls(None, policy, discount, np.zeros((len(runs) * config.agents, 0), dtype))
        size, first = critic_size(policy), []
        for run in runs:
            numbers = run.seed.generator("critic")
            flat = isinstance(policy, Table)
            v = np.zeros(size) if flat else orthogonal_network(critic_shape(policy), 1.0, numbers)
            first.append(np.concatenate([v, np.zeros(2 * size + 1)]))
        states: Array = np.repeat(np.stack(first).astype(dtype), config.agents, axis=0)
        return cls(config.critic, policy, discount, states)

    @property
    def floats(self) -> int:
        """Numbers an agent sends, and receives, in an exchange."""
        averaged = self.rule is not None and self.rule.kept == "averaged"
        return critic_size(self.policy) if averaged else 0

    def values(self, rows: Array, played: Episodes, uniform: Array | None) -> tuple[Critics, Array]:
        """What estimators subtract (L, B, T), and the critics after the fit of these lanes.

        `uniform` (L, epochs, ·) orders the steps; without it V stays.
        """
        rule = self.rule
        assert rule is not None
        epochs = 0 if uniform is None else rule.epochs
        fit = Fit(self.discount, rule.decay, rule.step_size, epochs, rule.minibatches)
        own = np.ascontiguousarray(self.states[rows])
        value, out = np.zeros(played.reward.shape), np.empty_like(own)
        orders = np.zeros((len(own), 1, 1)) if uniform is None else uniform
        parts = (played.observation, played.reward, played.length, played.final, played.terminated)
        run = compiled_valuation(type(self.policy).__name__)
        run(np.array(critic_shape(self.policy)), fit, own, *parts, orders, value, out)
        states = self.states.copy()
        states[rows] = out
        return self._replace(states=states), value

    def exchanged(self, rows: Array, weights: Tensor) -> Critics:
        """Averaged: all agents hold the mean V of the members at `rows`, with weights (G, n)."""
        size = self.floats
        if not size:
            return self
        groups, each = weights.shape
        sent = torch.from_numpy(self.states[rows, :size].reshape(groups, each, -1))
        mean = averaged(sent, weights).numpy()
        states = self.states.copy()
        states[:, :size] = np.repeat(mean, len(states) // groups, axis=0)
        return self._replace(states=states)
