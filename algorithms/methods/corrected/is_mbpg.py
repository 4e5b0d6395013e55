"""IS-MBPG inside FedAvg: momentum and reference are local and restart every round."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, freshness
from fedrl.algorithms.local_momentum import Local, LocalMomentum


@dataclass(frozen=True)
class ISMBPG(LocalMomentum):
    """Importance-sampled momentum of each agent for itself; only parameters are averaged.

    u_0 = g(θ_0) at the first local step of every round: with K = 1 this is FedPG. The paper adapts
    its step size and β to the norms seen so far; here both are constants, as for every algorithm.
    """

    reference: ClassVar[str] = "IS-MBPG: Huang, Gao, Pei, Huang, ICML 2020, inside FedAvg"
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
