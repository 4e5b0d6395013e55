"""The contract of algorithms with implicit gradient transport: normalised steps, sampled ahead."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import (
    Agent,
    Algorithm,
    Gradients,
    Memory,
    Server,
    Trajectories,
    tunable,
)
from fedrl.algorithms.estimators.lifting import normalised


class Momentum(NamedTuple):
    """What the server remembers."""

    mean: Tensor  # (d,), d_r


@dataclass(frozen=True)
class Transport(Algorithm):
    """d ← (1 - α) d + α u_{r+1}, θ_{r+1} = θ_r + λ d / ‖d‖.

    Agents sample at θ + (1 - α)/α (θ_r - θ_{r-1}), where a gradient that is linear in θ makes up
    for the age of d. They need that point alone: one vector goes down.
    """

    entrywise: ClassVar[bool] = True

    alpha: float = tunable(
        0.3, low=0.05, high=1.0, domain=(0.01, 1), meaning="weight of fresh directions"
    )

    def server_memory(self, theta: Tensor) -> Memory:
        return Momentum(torch.zeros_like(theta))

    def broadcast(self, memory: Memory) -> Memory:
        return ()

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """θ + (1 - α)/α (θ_r - θ_{r-1}), r the last step of the server that the agent knows of."""
        ahead = (1 - self.alpha) / self.alpha * (server.theta - server.previous)
        return (agent.theta + ahead,)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g at the point where the batch was sampled."""
        return gradients.plain(batches[0].behaviour, batches[0])

    def absorb(self, server: Server, direction: Tensor, message: Any, share: Tensor) -> Memory:
        """d ← (1 - α) d + α u."""
        return Momentum((1 - self.alpha) * server.memory.mean + self.alpha * direction)

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """d / ‖d‖."""
        return normalised(server.memory.mean)
