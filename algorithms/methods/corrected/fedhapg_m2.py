"""FedHAPG-M with two trajectories per local step: no importance weight anywhere."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


@dataclass(frozen=True)
class FedHAPGM2(Algorithm):
    """The fresh gradient is sampled at θ, the Hessian term at θ(α); both batches are counted."""

    reference: ClassVar[str] = "Wang, He, Zhang, Miao, Anderson, ICML 2024, two-sample Algorithm 2"
    kind: ClassVar[str] = "Hessian-aided"
    entrywise: ClassVar[bool] = True
    batches: ClassVar[int] = 2
    uses_global_momentum: ClassVar[bool] = True
    exponent: ClassVar[float] = 1.5
    contains: ClassVar = {"fedpg": {"beta": 1.0}}

    beta: float = freshness("FedPG")

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        return agent.theta, server.previous + alpha * (agent.theta - server.previous)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β g(θ) + (1 - β) [u_r + D(τ₂, θ(α)) (θ - θ_{r-1})]."""
        fresh = gradients.plain(agent.theta, batches[0])
        change = gradients.curvature(batches[1], agent.theta - server.previous)
        return self.beta * fresh + (1 - self.beta) * (server.momentum + change)
