"""RandomMDP: random kernels, mixed towards each agent's own by κ (Jin et al., AISTATS 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.family import Array, heterogeneity_level, require
from envs.tabular import Tabular, TabularTask, tabular_task


@dataclass(frozen=True)
class RandomMDP(Tabular):
    """P_i = (1-κ) P_0 + κ U_i with random stochastic rows; optionally R_i likewise."""

    summary: ClassVar[str] = "Random finite MDPs whose transition kernels are mixed by κ"
    source: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, section 7"
    heterogeneity: ClassVar[str] = "kernel: P_i = (1-κ) P_0 + κ U_i, κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/RandomMDP-v0"

    horizon: int = 50
    discount: float = 0.9
    size: int = 5  # number of states
    choices: int = 5  # number of actions
    reward_kappa: float = 0.0  # R_i = (1-κ_r) R_0 + κ_r V_i

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size >= 1, "size", self.size, "at least 1 state")
        require(self.choices >= 1, "choices", self.choices, "at least 1 action")
        require(0 <= self.reward_kappa <= 1, "reward_kappa", self.reward_kappa, "in [0, 1]")

    @property
    def states(self) -> int:
        return self.size

    @property
    def actions(self) -> int:
        return self.choices

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        kappa = heterogeneity_level(kappa, highest=1.0)
        kernel, reward = self._draw(generator)
        kernels = np.empty((agents, *kernel.shape))
        rewards = np.empty((agents, *reward.shape))
        for i in range(agents):
            own_kernel, own_reward = self._draw(generator)
            kernels[i] = (1 - kappa) * kernel + kappa * own_kernel
            rewards[i] = (1 - self.reward_kappa) * reward + self.reward_kappa * own_reward
        return tabular_task(kernels, rewards, np.full((agents, self.size), 1 / self.size))

    def _draw(self, generator: np.random.Generator) -> tuple[Array, Array]:
        rows = generator.random((self.size, self.choices, self.size))
        return rows / rows.sum(axis=-1, keepdims=True), generator.random((self.size, self.choices))
