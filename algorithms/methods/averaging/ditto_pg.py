"""Ditto-PG: beside the common parameters, every agent trains a copy that is pulled towards them."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


class Copy(NamedTuple):
    """What an agent keeps to itself."""

    own: Tensor  # (d,), v_i


@dataclass(frozen=True)
class DittoPG(Algorithm):
    """FedPG for θ, and v_i ← v_i + η [g_i(v_i) - μ (v_i - θ_r)], by which agent i is scored.

    Both use the same K steps and step size; each samples a batch of its own.
    """

    reference: ClassVar[str] = "Li, Hu, Beirami, Smith, ICML 2021, Algorithm 1, with g for -∇F"
    kind: ClassVar[str] = "personalisation"
    entrywise: ClassVar[bool] = True
    batches: ClassVar[int] = 2

    mu: float = tunable(
        0.1, low=1e-3, high=10.0, domain=(0, 100), meaning="pull of copies; 0 is independent"
    )

    def agent_memory(self, theta: Tensor) -> Copy:
        return Copy(theta)

    def acting(self, theta: Tensor, memory: Copy) -> Tensor:
        return memory.own

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """θ_{r,k} and v_i."""
        return agent.theta, agent.memory.own

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g(θ)."""
        return gradients.plain(agent.theta, batches[0])

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Copy]:
        """v ← v + η [g(v) - μ (v - θ_r)]."""
        own = agent.memory.own
        slope = gradients.plain(own, batches[1]) - self.mu * (own - server.theta)
        return self.direction(gradients, server, agent, *batches), Copy(
            own + agent.step.size * slope
        )
