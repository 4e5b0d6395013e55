"""Rennala NIGT: the server steps when M directions are there, whoever they are from."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Server, structural
from fedrl.algorithms.transport import Transport


class Gathered(NamedTuple):
    """What the server remembers."""

    mean: Tensor  # (d,), d_r
    total: Tensor  # (d,), sum of the directions since the server stepped
    taken: Tensor  # 0-d, how many


@dataclass(frozen=True)
class RennalaNIGT(Transport):
    """d ← (1 - α) d + α (1/M) Σ g, θ ← θ + λ d / ‖d‖, the sum over the first M arrivals.

    Agents sample again and again at θ + (1 - α)/α (θ_r - θ_{r-1}) until all of them together have M
    directions; fast ones bring more. Then they send their sums, one vector each, and what is
    unfinished is dropped. It is for agents that are alike: fast ones weigh more.
    """

    reference: ClassVar[str] = "Tyurin, Spiridonov, Rudenko, ICLR 2026, Rennala NIGT"
    kind: ClassVar[str] = "asynchronous"
    entrywise: ClassVar[bool] = True
    asynchronous: ClassVar[bool] = True

    gathered: int = structural(2, meaning="M, directions for a step of the server", least=1)

    def server_memory(self, theta: Tensor) -> Gathered:
        return Gathered(torch.zeros_like(theta), torch.zeros_like(theta), theta.new_zeros(()))

    def absorb(
        self, server: Server, direction: Tensor, message: tuple[()], share: Tensor
    ) -> Gathered:
        """Σ ← Σ + u, from 0 after a step; with the M-th, d ← (1 - α) d + α Σ/M."""
        memory: Gathered = server.memory
        goes_on = torch.where(self.ready(memory), 0, 1)
        total, count = goes_on * memory.total + direction, goes_on * memory.taken + 1
        following = (1 - self.alpha) * memory.mean + self.alpha * total / self.gathered
        mean = torch.where(count >= self.gathered, following, memory.mean)
        return Gathered(mean, total, count)

    def ready(self, memory: Gathered) -> Tensor:
        """Whether M are there."""
        return memory.taken >= self.gathered
