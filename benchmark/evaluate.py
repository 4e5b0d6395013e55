"""Scoring a policy: free of charge, and on random numbers that training never sees.

Finite MDPs are evaluated exactly; elsewhere `episodes` episodes per agent are sampled from the
evaluation stream. Axes: G federations, n agents of each, d parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmark.conditions import RewardCliff
from benchmark.disturbance import charged, charged_reward
from benchmark.rollout import Sampler, Stream
from envs.family import Array, Family
from envs.tabular import Tabular, TabularTask


class Scores(NamedTuple):
    """How good the parameters of G federations are for their n agents."""

    objective: Array  # (G, n), discounted J_i(θ)
    undiscounted: Array  # (G, n), mean undiscounted return
    stationarity: Array  # (G,), ‖(1/n) Σ_i ∇J_i(θ)‖², NaN where it is not known exactly


def evaluate(
    family: Family,
    sampler: Sampler,
    theta: Array,
    stream: Stream,
    episodes: int,
    cliff: RewardCliff | None = None,
) -> Scores:
    """Scores of theta (G, d) in the MDPs of `sampler`, whose lanes are the G·n agents.

    With a cliff, J_i(θ) includes its cost and jumps; the stationarity is that of ∇J almost
    everywhere, where the jumps are not seen.
    """
    groups = len(theta)
    agents = len(stream.keys) // groups
    if isinstance(family, Tabular):
        return _exact(family, sampler.task, theta, agents, cliff)
    played = charged(cliff, sampler.sample(np.repeat(theta, agents, axis=0), stream, episodes))
    return Scores(
        played.returns(family.discount).mean(axis=1).reshape(groups, agents),
        played.returns(1.0).mean(axis=1).reshape(groups, agents),
        np.full(groups, np.nan),
    )


def _exact(
    family: Tabular, task: TabularTask, theta: Array, agents: int, cliff: RewardCliff | None
) -> Scores:
    """∂J/∂θ[s,a] = π(a|s) (G(s,a) - Σ_b π(b|s) G(s,b)) for the softmax table, G = ∂J/∂π."""
    groups = len(theta)
    logits = theta.reshape(groups, family.states, family.actions).astype(np.float64)
    policy = np.exp(logits - logits.max(axis=-1, keepdims=True))
    policy /= policy.sum(axis=-1, keepdims=True)
    lanes = np.repeat(policy, agents, axis=0)
    if cliff is not None:
        reward = charged_reward(cliff, task.reward, lanes, task.terminal)
        task = task._replace(reward=reward)
    discounted = family.exact(task, lanes)
    plain = family.exact(task, lanes, discount=1.0)
    slope = discounted.gradient.reshape(groups, agents, family.states, family.actions)
    mean = np.stack([_mean_over_agents(group) for group in slope])
    gradient = policy * (mean - np.sum(policy * mean, axis=-1, keepdims=True))
    return Scores(
        discounted.objective.reshape(groups, agents),
        plain.objective.reshape(groups, agents),
        np.array([np.sum(group * group) for group in gradient]),
    )


def _mean_over_agents(slope: Array) -> Array:
    return slope.mean(axis=0)  # type: ignore[no-any-return]
