"""SCAFFOLD-PG: control variates, kept from round to round, take out the client drift."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


class Control(NamedTuple):
    """A control variate."""

    variate: Tensor  # (d,), c_i of an agent, c of the server


@dataclass(frozen=True)
class ScaffoldPG(Algorithm):
    """c_i remembers the mean gradient of agent i's last round, c their mean over all agents.

    c_i ← c_i - c + (θ_{r,K}^i - θ_r) / (ηK), which is the mean of g_i over the round;
    c ← c + (share of agents taking part) · mean_i Δc_i; all start from 0. The reading taken is the
    paper's second option for c_i, the one it runs: it samples nothing more. The paper descends a
    loss, hence the signs.
    """

    reference: ClassVar[str] = "Karimireddy et al., ICML 2020, Algorithm 1, for policy gradients"
    kind: ClassVar[str] = "drift correction"
    entrywise: ClassVar[bool] = True

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g_i(θ) - c_i + c."""
        drift = server.memory.variate - agent.memory.variate
        return gradients.plain(agent.theta, batches[0]) + drift

    def agent_memory(self, theta: Tensor) -> Control:
        return Control(theta.new_zeros(theta.shape))

    def server_memory(self, theta: Tensor) -> Control:
        return Control(theta.new_zeros(theta.shape))

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Control, Control]:
        """Δc_i = (θ_{r,K}^i - θ_r) / (ηK) - c is the message."""
        change = direction - server.memory.variate
        return Control(agent.memory.variate + change), Control(change)

    def absorb(self, server: Server, direction: Tensor, message: Control, share: Tensor) -> Control:
        return Control(server.memory.variate + share * message.variate)
