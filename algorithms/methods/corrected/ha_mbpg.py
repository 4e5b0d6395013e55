"""HA-MBPG inside FedAvg: Hessian-aided momentum, local and restarted every round."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


class Local(NamedTuple):
    """The memory of an agent from local step to local step of one round."""

    momentum: Tensor  # (d,), u_{k-1}
    previous: Tensor  # (d,), θ_{k-1}; θ_r when the round starts
    started: Tensor  # 0-d, 0 at the first local step of the round and 1 afterwards


@dataclass(frozen=True)
class HAMBPG(Algorithm):
    """Hessian-aided momentum of each agent for itself; only parameters are averaged.

    θ(α) = α θ_k + (1 - α) θ_{k-1},  α ~ U[0, 1],  τ ~ p(·|θ(α)). u_0 = g(θ_0) at the first local
    step of every round, where θ(α) = θ_0 and w = 1: with K = 1 this is FedPG. Step size and β are
    constants here; the paper adapts them. D is exact, where the paper allows differences.
    """

    reference: ClassVar[str] = "HA-MBPG: Huang, Gao, Pei, Huang, ICML 2020, inside FedAvg"
    kind: ClassVar[str] = "local momentum"
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

    def agent_memory(self, theta: Tensor) -> Local:
        return Local(theta.new_zeros(theta.shape), theta, theta.new_zeros(()))

    def begin(self, server: Server, agent: Agent) -> Local:
        return self.agent_memory(server.theta)

    def remember(self, server: Server, agent: Agent, direction: Tensor) -> Local:
        return Local(direction, agent.theta, agent.theta.new_ones(()))
