"""IS-MBPG inside FedAvg: momentum and reference are local and restart every round."""

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
class ISMBPG(Algorithm):
    """Importance-sampled momentum of each agent for itself; only parameters are averaged.

    u_0 = g(θ_0) at the first local step of every round: with K = 1 this is FedPG. The paper adapts
    its step size and β to the norms seen so far; here both are constants, as for every algorithm.
    """

    reference: ClassVar[str] = "IS-MBPG: Huang, Gao, Pei, Huang, ICML 2020, inside FedAvg"
    kind: ClassVar[str] = "local momentum"
    contains: ClassVar = {"fedpg": {"beta": 1.0}}
    entrywise: ClassVar[bool] = True

    beta: float = freshness("FedPG")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β g(θ_k) + (1 - β) [u_{k-1} + g(θ_k) - w(θ_{k-1} | θ_k) g(θ_{k-1})], τ ~ θ_k."""
        memory: Local = agent.memory
        fresh = gradients.plain(agent.theta, batches[0])
        stale = gradients.weighted(memory.previous, batches[0])
        return fresh + memory.started * (1 - self.beta) * (memory.momentum - stale)

    def agent_memory(self, theta: Tensor) -> Local:
        return Local(theta.new_zeros(theta.shape), theta, theta.new_zeros(()))

    def begin(self, server: Server, agent: Agent) -> Local:
        return self.agent_memory(server.theta)

    def remember(self, server: Server, agent: Agent, direction: Tensor) -> Local:
        return Local(direction, agent.theta, agent.theta.new_ones(()))
