"""AFedPG: the server steps whenever an agent arrives; agents sample ahead of what it told them."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


class Momentum(NamedTuple):
    """What the server remembers."""

    mean: Tensor  # (d,), d_r


@dataclass(frozen=True)
class AFedPG(Algorithm):
    """d ← (1 - α) d + α g, θ ← θ + λ d / ‖d‖ on every arrival.

    An agent samples at θ + (1 - α)/α (θ - θ'), θ and θ' the server's last two when the agent was
    told of them: the paper's delay-adaptive lookahead. Its α and λ decay; the reading taken is
    constants. An agent needs that point alone: one vector goes down.
    """

    reference: ClassVar[str] = "Lan, Han, Hashemi, Aggarwal, Brinton, ICLR 2025, Algorithms 1 and 2"
    kind: ClassVar[str] = "asynchronous"
    asynchronous: ClassVar[bool] = True

    alpha: float = tunable(
        0.3, low=0.05, high=1.0, domain=(0.01, 1), meaning="weight of fresh directions"
    )

    def server_memory(self, theta: Tensor) -> Momentum:
        return Momentum(torch.zeros_like(theta))

    def broadcast(self, memory: Momentum) -> tuple[()]:
        return ()

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """θ + (1 - α)/α (θ_r - θ_{r-1}), r the round when the agent was told."""
        ahead = (1 - self.alpha) / self.alpha * (server.theta - server.previous)
        return (agent.theta + ahead,)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g at the point where the batch was sampled."""
        return gradients.plain(batches[0].behaviour, batches[0])

    def absorb(
        self, server: Server, direction: Tensor, message: tuple[()], share: Tensor
    ) -> Momentum:
        """d ← (1 - α) d + α u."""
        return Momentum((1 - self.alpha) * server.memory.mean + self.alpha * direction)

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """d / ‖d‖."""
        mean = server.memory.mean
        length = mean.square().cumsum(-1)[-1].sqrt()  # in order: lifting cannot change it
        return torch.where(length > 0, mean / length, 0)
