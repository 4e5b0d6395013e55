"""Pooled PG: one shared gradient step per trajectory batch, the reference without drift."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class PooledPG(Algorithm):
    """The server averages after every local step, so all agents always share θ."""

    reference: ClassVar[str] = "REINFORCE on pooled data: Williams 1992"
    entrywise: ClassVar[bool] = True
    synchronous: ClassVar[bool] = True

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g_i(θ)."""
        return gradients.plain(agent.theta, batches[0])
