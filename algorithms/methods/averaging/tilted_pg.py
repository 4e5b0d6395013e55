"""Tilted PG: agents that earn less weigh more, up to the worst one alone."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.lifting import exponential


class Earned(NamedTuple):
    """What an agent remembers; it tells all but `steps`."""

    tilt: Tensor  # 0-d, e_i of this round
    value: Tensor  # 0-d, J_i: mean discounted return of the last round; within a round their sum
    steps: Tensor  # 0-d, local steps in the sum


class Means(NamedTuple):
    """What the server remembers: means over agents, of which the second is broadcast."""

    tilt: Tensor  # 0-d
    value: Tensor  # 0-d


@dataclass(frozen=True)
class TiltedPG(Algorithm):
    """Ascent on -(1/t) log (1/N) Σ_i exp(-t J_i): the mean for t → 0, the worst agent for t → ∞.

    Its gradient is Σ_i e_i ∇J_i / Σ_i e_i, e_i = exp(-t (J_i - J̄)). The reading taken: J_i is the
    agent's mean return in the round before, J̄ their mean; in the first round e_i = 1. e_i is at
    most exp(3), so that no agent's own steps are more than 20 times as long as without tilt.
    """

    reference: ClassVar[str] = "Li, Beirami, Sanjabi, Smith, ICLR 2021, TERM, eq. 2 and Lemma 1"
    kind: ClassVar[str] = "fair"
    entrywise: ClassVar[bool] = True
    episodic: ClassVar[bool] = True

    tilt: float = tunable(
        1.0, low=0.01, high=10.0, domain=(0, 1e6), meaning="t, weight of agents that earn less"
    )

    def agent_memory(self, theta: Tensor) -> Earned:
        zero = theta.new_zeros(())
        return Earned(zero + 1, zero, zero)

    def server_memory(self, theta: Tensor) -> Means:
        return Means(theta.new_ones(()), theta.new_zeros(()))

    def broadcast(self, memory: Means) -> tuple[Tensor]:
        return (memory.value,)

    def begin(self, server: Server, agent: Agent) -> Earned:
        """e_i = exp(-t (J_i - J̄)), at most exp(3)."""
        behind = -self.tilt * (agent.memory.value - server.memory[0])
        tilt = exponential(behind.clamp(max=3))
        return Earned(tilt, 0 * tilt, 0 * tilt)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = e_i g(θ); the server divides by the mean of e_i."""
        return agent.memory.tilt * gradients.plain(agent.theta, batches[0])

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Earned]:
        """`direction`, and the return of its batch."""
        memory, earned = agent.memory, batches[0].mean_return(gradients.discount)
        following = Earned(memory.tilt, memory.value + earned, memory.steps + 1)
        return self.direction(gradients, server, agent, *batches), following

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Earned, Means]:
        memory = agent.memory
        kept = memory._replace(value=memory.value / memory.steps.clamp(min=1))
        return kept, Means(kept.tilt, kept.value)

    def absorb(self, server: Server, direction: Tensor, message: Means, share: Tensor) -> Means:
        return message

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """u_{r+1} / mean e_i."""
        return direction / server.memory.tilt
