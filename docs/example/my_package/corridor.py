"""Corridor: walk to the exit on a floor that is slippery, for every agent differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedrl.envs.family import heterogeneity_level
from fedrl.envs.finite.tabular import Tabular, TabularTask, tabular_task


@dataclass(frozen=True)
class Corridor(Tabular):
    """Five places; action 0 goes left, action 1 right, and a slip goes the other way."""

    summary: ClassVar[str] = "Walk to the exit; floors differ"
    source: ClassVar[str] = "an example"
    heterogeneity: ClassVar[str] = "probability to slip: κ u / 2, u ~ U(0, 1), κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/Corridor-v0"
    states: ClassVar[int] = 5  # type: ignore[assignment]
    actions: ClassVar[int] = 2  # type: ignore[assignment]

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        slip = heterogeneity_level(kappa, highest=1.0) * generator.random(agents) / 2
        kernel, reward = np.zeros((agents, 5, 2, 5)), np.zeros((agents, 5, 2))
        for place in range(4):
            left, right = max(place - 1, 0), place + 1
            for action, (meant, slipped) in enumerate([(left, right), (right, left)]):
                kernel[:, place, action, meant] += 1 - slip
                kernel[:, place, action, slipped] += slip
        kernel[:, 4, :, 4] = 1.0  # outside, for ever
        reward[:, 3, :] = kernel[:, 3, :, 4]  # 1 on leaving, in expectation
        return tabular_task(kernel, reward, np.tile(np.eye(5)[0], (agents, 1)))
