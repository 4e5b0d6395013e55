"""Running normalisation of what agents see and earn in training, if a configuration asks for it.

An agent's statistics are frozen while it samples a batch and are extended by that batch; rewards
are scaled by the extended ones. Scores are of plain rewards, under the statistics an agent would
begin the next round with.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators import normalisation
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.messages.aggregation import averaged
from fedrl.benchmark.training.rollout import Episodes
from fedrl.envs.family import Array, Family


class Normaliser(NamedTuple):
    """The statistics of all agents of G federations."""

    kind: Literal["none", "own", "pooled"]
    shape: tuple[int, ...]  # of the policy
    discount: float
    sums: Array  # (G·N, s), s = 0 without normalisation

    @classmethod
    def of(cls, config: Config, family: Family, policy: Policy, lanes: int) -> Normaliser:
        """Before anything was seen."""
        size = 0 if config.normalise == "none" else normalisation.width(policy.shape[0])
        return cls(config.normalise, policy.shape, family.discount, np.zeros((lanes, size)))

    @property
    def floats(self) -> int:
        """Numbers an agent sends, and receives, in an exchange."""
        return self.sums.shape[1] if self.kind == "pooled" else 0

    def acting(self, rows: Array, points: Array) -> Array:
        """Parameters (L, d) with which these lanes act on plain observations."""
        if self.kind == "none":
            return points
        return normalisation.fold(self.sums[rows], self.shape, points)

    def extended(self, rows: Array, played: Episodes) -> Normaliser:
        """After these lanes have seen their episodes."""
        if self.kind == "none":
            return self
        parts = (played.observation, played.reward, played.length)
        sums = self.sums.copy()
        sums[rows] = normalisation.extended(sums[rows], *parts, self.discount)
        return self._replace(sums=sums)

    def normalised(self, rows: Array, played: Episodes, after: Normaliser) -> Episodes:
        """Observations by these statistics, rewards by those `after` the episodes."""
        if self.kind == "none":
            return played
        return played._replace(
            observation=normalisation.normalised(self.sums[rows], played.observation),
            final=normalisation.normalised(self.sums[rows], played.final),
            reward=normalisation.scaled(after.sums[rows], played.reward),
        )

    def exchanged(self, rows: Array, weights: Tensor) -> Normaliser:
        """Pooled: all agents hold the mean sums of the members at `rows`, with weights (G, n)."""
        if self.kind != "pooled":
            return self
        groups, each = weights.shape
        sent = torch.from_numpy(self.sums[rows].reshape(groups, each, -1))
        mean = averaged(sent, weights.double()).numpy()
        return self._replace(sums=np.repeat(mean, len(self.sums) // groups, axis=0))
