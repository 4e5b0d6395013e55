"""FedPG-M: federated averaging with global momentum, without variance reduction."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


@dataclass(frozen=True)
class FedPGM(Algorithm):
    """The ablation of FedSVRPG-M that keeps its momentum and drops its correction."""

    reference: ClassVar[str] = "FedAvg-M: Cheng, Huang, Wu, Yuan, ICLR 2024, Algorithm 1"
    kind: ClassVar[str] = "momentum"
    entrywise: ClassVar[bool] = True
    uses_global_momentum: ClassVar[bool] = True
    exponent: ClassVar[float] = 2.0
    contains: ClassVar = {"fedpg": {"beta": 1.0}}

    beta: float = freshness("FedPG")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β g(θ) + (1 - β) u_r."""
        fresh = gradients.plain(agent.theta, batches[0])
        return self.beta * fresh + (1 - self.beta) * server.momentum
