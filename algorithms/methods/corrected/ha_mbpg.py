"""HA-MBPG inside FedAvg: Hessian-aided momentum, local and restarted every round."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, freshness
from fedrl.algorithms.local_momentum import Local, LocalMomentum


@dataclass(frozen=True)
class HAMBPG(LocalMomentum):
    """Hessian-aided momentum of each agent for itself; only parameters are averaged.

    θ(α) = α θ_k + (1 - α) θ_{k-1},  α ~ U[0, 1],  τ ~ p(·|θ(α)). u_0 = g(θ_0) at the first local
    step of every round, where θ(α) = θ_0 and w = 1: with K = 1 this is FedPG. Step size and β are
    constants here; the paper adapts them. D is exact, where the paper allows differences.
    """

    reference: ClassVar[str] = "HA-MBPG: Huang, Gao, Pei, Huang, ICML 2020, inside FedAvg"
    entrywise: ClassVar[bool] = True

    beta: float = freshness()

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        previous = agent.memory.previous
        return (previous + alpha * (agent.theta - previous),)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β w(θ_k | θ(α)) g(θ_k) + (1 - β) [u_{k-1} + D(τ, θ(α)) (θ_k - θ_{k-1})]."""
        memory: Local = agent.memory
        carried = memory.started * (1 - self.beta)
        fresh = gradients.weighted(agent.theta, batches[0])
        change = gradients.curvature(batches[0], agent.theta - memory.previous)
        return (1 - carried) * fresh + carried * (memory.momentum + change)
