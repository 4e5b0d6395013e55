"""Diagnostics of a round: numbers that explain why an algorithm learns or collapses.

They describe the round before an evaluation point (`evaluate_every = 1` gives every round), over
all agents that took part and all K local steps. NaN where a quantity does not occur.
"""

from typing import Any

import numpy as np
from torch import Tensor

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.step import Step
from fedrl.envs.family import Array

NAMES = (
    "weight_mean",  # mean importance weight, before a cap
    "weight_max",
    "weight_ess",  # (Σ w)² / (n Σ w²) in (0, 1], effective sample size per weighted episode
    "weight_capped",  # share of weights above the cap
    "drift",  # mean ‖θ_{r,k} - θ_{r-1}‖
    "direction_norm",  # mean ‖u_{r,k}‖
    "momentum_norm",  # ‖u_{r+1}‖
    "cosine",  # mean cosine between the mean local directions of two agents
    "entropy",  # mean -log π(a|s) over the steps taken
)
PREFIX = "diagnostic_"


class Diagnostics:
    """Collects one round of G federations with n lanes each."""

    def __init__(self, groups: int, cap: float) -> None:
        self.groups, self.cap = groups, cap
        self.drift: list[Array] = []  # (G, n) each
        self.norms: list[Array] = []
        self.log_weights: list[list[Array]] = []  # of each federation, (m,) each
        self.surprise: list[Array] = []  # (G, n, 2): Σ -log π, steps

    def step(self, step: Step, previous: Tensor) -> None:
        """A local step, and θ_{r-1} (L, d)."""
        self.drift.append(_lengths((step.theta - previous).numpy()).reshape(self.groups, -1))
        self.norms.append(_lengths(step.direction.numpy()).reshape(self.groups, -1))
        for part in step.log_weights:
            self.log_weights.append(self._of_episodes(part, step.played))
        for played in step.played:
            out = np.zeros((len(played.length), 2))
            _surprise(played.log_prob, played.length, out)
            self.surprise.append(out.reshape(self.groups, -1, 2))

    def values(self, momentum: Tensor, means: Tensor) -> dict[str, Array]:
        """Each of NAMES (G,), from u_{r+1} (G, d) and the mean local directions (L, d)."""
        found = dict.fromkeys(NAMES, np.full(self.groups, np.nan))
        found["drift"] = _mean(self.drift)
        found["direction_norm"] = _mean(self.norms)
        found["momentum_norm"] = _lengths(momentum.numpy())
        found["cosine"] = _cosine(means.reshape(self.groups, -1, means.shape[-1]).numpy())
        if self.surprise:
            total = np.sum(np.concatenate(self.surprise, axis=1), axis=1)
            found["entropy"] = total[:, 0] / total[:, 1]
        if self.log_weights:
            every = [np.concatenate(part) for part in zip(*self.log_weights, strict=True)]
            columns = np.array([_weights(part.astype(np.float64), self.cap) for part in every])
            found.update(zip(NAMES[:4], columns.T, strict=True))
        return found

    def _of_episodes(self, log_weights: Array, played: tuple[Episodes, ...]) -> list[Array]:
        """Split (L, B) by federation, without those of the empty episodes that pad segments."""
        parts = log_weights.reshape(self.groups, -1)
        if all((batch.length > 0).all() for batch in played):
            return list(parts)
        real = (played[0].length > 0).reshape(self.groups, -1)  # segments have one batch
        return [part[some] for part, some in zip(parts, real, strict=True)]


def _weights(logs: Array, cap: float) -> tuple[float, float, float, float]:
    """The first four of NAMES, of one federation's log weights (m,)."""
    largest = logs.max()
    share = np.exp(logs - largest)  # no overflow: the effective size has no scale
    ess = share.sum() ** 2 / (len(logs) * np.square(share).sum())
    return np.exp(logs).mean(), np.exp(largest), ess, (logs > np.log(cap)).mean()


def _lengths(vectors: Array) -> Array:
    """‖·‖ of vectors (…, d), in float64."""
    return np.sqrt(np.sum(np.square(vectors, dtype=np.float64), axis=-1))  # type: ignore[no-any-return]


def _mean(parts: list[Array]) -> Array:
    return np.mean(np.concatenate(parts, axis=1), axis=1)  # type: ignore[no-any-return]


def _cosine(means: Array) -> Array:
    """Σ_{i≠j} ⟨m_i, m_j⟩ / (‖m_i‖ ‖m_j‖) / (n (n-1)) = (‖Σ_i m_i/‖m_i‖‖² - n) / (n (n-1))."""
    count = means.shape[1]
    if count < 2:
        return np.full(len(means), np.nan)
    wide = means.astype(np.float64)
    lengths = np.sqrt(np.sum(np.square(wide), axis=-1, keepdims=True))
    total = np.sum(wide / lengths, axis=1)
    return (np.sum(np.square(total), axis=-1) - count) / (count * (count - 1))  # type: ignore[no-any-return]


@compiled
def _surprise(log_prob: Any, length: Any, out: Any) -> None:
    for lane in range(len(length)):
        for b in range(length.shape[1]):
            out[lane, 1] += length[lane, b]
            for t in range(length[lane, b]):
                out[lane, 0] -= log_prob[lane, b, t]
