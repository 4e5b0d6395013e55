"""N-HARPG: Hessian-aided momentum that agents keep for themselves, and a normalised server step."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, freshness
from fedrl.algorithms.estimators.lifting import normalised
from fedrl.algorithms.local_momentum import Local, LocalMomentum


@dataclass(frozen=True)
class NHARPG(LocalMomentum):
    """θ_{r+1} = θ_r + λ v/‖v‖, v what the server makes of the agents' d_i.

    With a robust `aggregator` it is Res-NHARPG; d_i = 0 before the first step. The paper takes one
    local step; of several the reading taken is that d_i goes on from step to step. g and D have a
    trajectory each, θ' = α θ + (1 - α) θ_before, α ~ U[0, 1].
    """

    reference: ClassVar[str] = "Ganesh, Chen, Thoppe, Aggarwal, TMLR 2024, Res-NHARPG, Algorithm 1"
    kind: ClassVar[str] = "Hessian-aided"
    entrywise: ClassVar[bool] = True
    batches: ClassVar[int] = 2

    beta: float = freshness()

    def begin(self, server: Server, agent: Agent) -> Local:
        memory: Local = agent.memory  # d_i goes on from round to round
        return memory

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """θ and θ'."""
        previous = agent.memory.previous
        return agent.theta, previous + alpha * (agent.theta - previous)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = d_i = β g(θ) + (1 - β) [d_i + D(τ₂, θ') (θ - θ_before)]."""
        memory: Local = agent.memory
        fresh = gradients.plain(agent.theta, batches[0])
        change = gradients.curvature(batches[1], agent.theta - memory.previous)
        return self.beta * fresh + (1 - self.beta) * (memory.momentum + change)

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """v / ‖v‖."""
        return normalised(direction)
