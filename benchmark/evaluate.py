"""Scoring a policy: free of charge, and on random numbers that training never sees.

Where a family has a closed form, scores are exact; elsewhere `episodes` episodes per agent are
sampled from the evaluation stream. Axes: G federations, n agents of each, d parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmark.conditions import RewardCliff
from benchmark.disturbance import charged, charged_reward
from benchmark.rollout import Sampler, Stream
from envs.family import Array, Family
from envs.tabular import Tabular, softmax


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
    lanes = np.repeat(theta, agents, axis=0)
    task = sampler.task
    if cliff is not None and isinstance(family, Tabular):
        policy = softmax(lanes.reshape(task.reward.shape).astype(np.float64))
        task = task._replace(reward=charged_reward(cliff, task.reward, policy, task.terminal))
    if cliff is None or isinstance(family, Tabular):  # other closed forms know no cliff
        exact = family.closed_form(task, sampler.policy.shape, lanes)
        if exact is not None:
            gradients = exact.gradient.reshape(groups, agents, -1)
            return Scores(
                exact.objective.reshape(groups, agents),
                exact.undiscounted.reshape(groups, agents),
                np.array([_square(group.mean(axis=0)) for group in gradients]),
            )
    played = charged(cliff, sampler.sample(lanes, stream, episodes))
    return Scores(
        played.returns(family.discount).mean(axis=1).reshape(groups, agents),
        played.returns(1.0).mean(axis=1).reshape(groups, agents),
        np.full(groups, np.nan),
    )


def _square(gradient: Array) -> float:
    return float(np.sum(gradient * gradient))
