"""MFPO: importance-sampled local momentum that the server averages with the parameters."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, freshness
from fedrl.algorithms.local_momentum import Local, LocalMomentum


class Momentum(NamedTuple):
    """The message of an agent to the server, and of the server to all."""

    momentum: Tensor  # (d,), u of the last local step; its mean over agents


@dataclass(frozen=True)
class MFPO(LocalMomentum):
    """Steps t run through all rounds; every K of them the server averages both u and θ.

    u = g(θ) at the very first step. Readings taken: β = 1 - ν is constant, where the paper ties ν
    to a decaying step size; after an averaging θ_{t-1} stays the agent's own last local iterate,
    so that mean_i [g_i(θ_t) - w g_i(θ_{t-1}^i)] carries the mean momentum to the mean parameters
    without bias. An agent back from rounds it missed measures from where it left.
    """

    reference: ClassVar[str] = "MFPO: Yue, Hua, Chen, Ren, arXiv 2405.17471"
    entrywise: ClassVar[bool] = True
    exponent: ClassVar[float] = 1.5
    contains: ClassVar = {"fedpg": {"beta": 1.0}}

    beta: float = freshness("FedPG")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g(θ_t) + (1 - β) [u_{t-1} - w(θ_{t-1} | θ_t) g(θ_{t-1})], episodes sampled at θ_t."""
        memory: Local = agent.memory
        fresh = gradients.plain(agent.theta, batches[0])
        stale = gradients.weighted(memory.previous, batches[0])
        return fresh + memory.started * (1 - self.beta) * (memory.momentum - stale)

    def server_memory(self, theta: Tensor) -> Momentum:
        return Momentum(theta.new_zeros(theta.shape))

    def begin(self, server: Server, agent: Agent) -> Local:
        """Of the agent's last round, but for the momentum, which is the mean over agents."""
        return Local(server.memory.momentum, agent.memory.previous, agent.memory.started)

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Local, Momentum]:
        return agent.memory, Momentum(agent.memory.momentum)

    def absorb(
        self, server: Server, direction: Tensor, message: Momentum, share: Tensor
    ) -> Momentum:
        return message
