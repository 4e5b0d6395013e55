"""RandomMDP: random kernels, mixed towards each agent's own by κ (Jin et al., AISTATS 2022)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from fedrl.envs.family import Array, heterogeneity_level
from fedrl.envs.finite.tabular import Tabular, TabularTask, tabular_task
from fedrl.envs.validation import require, require_known

MOST = 2**22  # numbers of a kernel P(s'|s,a), 32 MB per agent


@dataclass(frozen=True)
class RandomMDP(Tabular):
    """P_i = (1-κ) P_0 + κ U_i with random stochastic rows; optionally R_i likewise.

    With `sparsity` b, b random states follow each state and action (Garnet). With orthogonal
    support U_i lives on the states that P_0 never reaches: kernels as different as they can be.
    """

    summary: ClassVar[str] = "Random finite MDPs whose transition kernels are mixed by κ"
    source: ClassVar[str] = (
        "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, section 7; sparse: Bhatnagar et al. 2009"
    )
    heterogeneity: ClassVar[str] = "kernel: P_i = (1-κ) P_0 + κ U_i, κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/RandomMDP-v0"

    horizon: int = 50
    discount: float = 0.9
    size: int = 5  # number of states
    choices: int = 5  # number of actions
    reward_kappa: float = 0.0  # R_i = (1-κ_r) R_0 + κ_r V_i
    sparsity: int | None = None  # successors of each (s, a) in a random kernel; None: all states
    support: Literal["any", "orthogonal"] = "any"  # of U_i: anywhere, or where P_0 is zero

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size >= 1, "size", self.size, "at least 1 state")
        require(self.choices >= 1, "choices", self.choices, "at least 1 action")
        larger = "size" if self.size >= self.choices else "choices"
        allowed = f"such that size² × choices, the numbers of a kernel, is at most {MOST:,}"
        require(self.size**2 * self.choices <= MOST, larger, getattr(self, larger), allowed)
        require(0 <= self.reward_kappa <= 1, "reward_kappa", self.reward_kappa, "in [0, 1]")
        require_known("support", [self.support], ("any", "orthogonal"))
        if self.sparsity is not None:
            fits = 1 <= self.sparsity <= self.size
            require(fits, "sparsity", self.sparsity, f"from 1 to the number of states, {self.size}")
        if self.support == "orthogonal":
            fits = self.sparsity is not None and self.sparsity < self.size
            allowed = f"from 1 to {self.size - 1}, so that orthogonal support has states left"
            require(fits, "sparsity", self.sparsity, allowed)

    @property
    def states(self) -> int:
        return self.size

    @property
    def actions(self) -> int:
        return self.choices

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        kappa = heterogeneity_level(kappa, highest=1.0)
        kernel, reward = self._draw(generator, None)
        taken = kernel > 0 if self.support == "orthogonal" else None
        kernels = np.empty((agents, *kernel.shape))
        rewards = np.empty((agents, *reward.shape))
        for i in range(agents):
            own_kernel, own_reward = self._draw(generator, taken)
            kernels[i] = (1 - kappa) * kernel + kappa * own_kernel
            rewards[i] = (1 - self.reward_kappa) * reward + self.reward_kappa * own_reward
        successors = None if self.sparsity is None or self.support != "any" else 2 * self.sparsity
        start = np.full((agents, self.size), 1 / self.size)
        return tabular_task(kernels, rewards, start, successors)

    def _draw(self, generator: np.random.Generator, taken: Array | None) -> tuple[Array, Array]:
        """A random kernel, zero where `taken` (Z, A, Z) is true, and a random reward."""
        rows = generator.random((self.size, self.choices, self.size))
        if taken is not None:
            rows = np.where(taken, 0.0, rows)
        elif self.sparsity is not None:
            ranks = np.argsort(np.argsort(generator.random(rows.shape), axis=-1), axis=-1)
            rows = np.where(ranks < self.sparsity, rows, 0.0)
        return rows / rows.sum(axis=-1, keepdims=True), generator.random((self.size, self.choices))
