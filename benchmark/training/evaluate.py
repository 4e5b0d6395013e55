"""Scoring a policy: free of charge, and on random numbers that training never sees.

Where a family has a closed form, scores are exact; elsewhere `episodes` episodes per agent are
sampled from the evaluation stream. Axes: G federations, n agents of each, d parameters.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fedrl.algorithms.estimators.policy import Policy, Table, TabularSoftmax
from fedrl.benchmark.config.conditions import RewardCliff
from fedrl.benchmark.training.disturbance import charged, charged_reward
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array, Family
from fedrl.envs.finite.tabular import Tabular, softmax


class Scores(NamedTuple):
    """How good the parameters of G federations are for their n agents."""

    objective: Array  # (G, n), discounted J_i(θ)
    undiscounted: Array  # (G, n), mean undiscounted return
    stationarity: Array  # (G,), ‖∇J(θ)‖² with ∇J = Σ_i w_i ∇J_i; NaN where it is not known
    heterogeneity: Array  # (G,), ζ² = Σ_i w_i ‖∇J_i(θ) - ∇J(θ)‖²; likewise


def evaluate(
    family: Family,
    sampler: Sampler,
    theta: Array,
    stream: Stream,
    episodes: int,
    cliff: RewardCliff | None = None,
    *,
    weights: Array | None = None,
    plain: Callable[[Array, Episodes], Array] | None = None,
    acting: Callable[[Array], Array] | None = None,
) -> Scores:
    """Scores of theta (G, d) in the MDPs of `sampler`, whose lanes are the G·n agents.

    With a cliff, J_i(θ) includes its cost and jumps; the stationarity is that of ∇J almost
    everywhere, where the jumps are not seen. `weights` (n,) are the agents', 1/n by default. Where
    there is no closed form, `plain` gives gradients (L, d) of episodes; stationarity and ζ² are
    then estimated without bias, as inner products of two halves of the episodes. `acting` turns
    the lanes' parameters into those they act with.
    """
    groups = len(theta)
    agents = len(stream.keys) // groups
    shares = np.full(agents, 1 / agents) if weights is None else weights
    lanes = np.repeat(theta, agents, axis=0)
    lanes = lanes[:, : sampler.policy.size] if acting is None else acting(lanes)
    task = sampler.task
    if cliff is not None and isinstance(family, Tabular):
        policy = softmax(_logits(sampler.policy, lanes).reshape(task.reward.shape))
        task = task._replace(reward=charged_reward(cliff, task.reward, policy, task.terminal))
    if cliff is None or isinstance(family, Tabular):  # other closed forms know no cliff
        exact = family.closed_form(task, sampler.policy.shape, _logits(sampler.policy, lanes))
        if exact is not None:
            slopes = exact.gradient.reshape(groups, agents, -1)
            if _logits(sampler.policy, lanes) is not lanes:
                slopes = np.full_like(slopes, np.nan)  # θ is π or Q, not logits
            return Scores(
                exact.objective.reshape(groups, agents),
                exact.undiscounted.reshape(groups, agents),
                *_spread(slopes, slopes, shares),
            )
    played = charged(cliff, sampler.sample(lanes, stream, episodes))
    spread = np.full((2, groups), np.nan)
    if plain is not None:
        halves = (Episodes(*(part[:, one::2] for part in played)) for one in (0, 1))
        first, second = (plain(lanes, half).reshape(groups, agents, -1) for half in halves)
        spread = np.stack(_spread(first.astype(np.float64), second.astype(np.float64), shares))
    return Scores(
        played.returns(family.discount).mean(axis=1).reshape(groups, agents),
        played.returns(1.0).mean(axis=1).reshape(groups, agents),
        *spread,
    )


def _spread(first: Array, second: Array, shares: Array) -> tuple[Array, Array]:
    """⟨Σ w g, Σ w g'⟩ and Σ w ⟨g - Σ w g, g' - Σ w g'⟩ of gradients (G, n, d): (G,) each."""
    column = shares[:, None]
    means = [
        np.stack([np.sum(column * group, axis=0) for group in part]) for part in (first, second)
    ]
    stationarity = np.sum(means[0] * means[1], axis=-1)
    away = (first - means[0][:, None]) * (second - means[1][:, None])
    return stationarity, np.sum(np.sum(away, axis=-1) * shares, axis=-1)


def _logits(policy: Policy, theta: Array) -> Array:
    """θ itself, or the softmax logits of the policy of a table that is π or Q."""
    if not isinstance(policy, Table) or isinstance(policy, TabularSoftmax):
        return theta
    probability = policy.probabilities(theta).reshape(len(theta), -1)
    return np.log(np.maximum(probability, 1e-300))  # type: ignore[no-any-return]
