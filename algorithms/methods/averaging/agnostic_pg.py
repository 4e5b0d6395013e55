"""Agnostic PG: the best policy for the worst mixture of agents."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.lifting import exponential, logarithm


class Adversary(NamedTuple):
    """What an agent remembers of its weight."""

    logarithm: Tensor  # 0-d, -c times the sum over its rounds of J_i - J̄
    weight: Tensor  # 0-d, e_i of this round
    value: Tensor  # 0-d, sum over the round's steps of the mean discounted return of their batch
    steps: Tensor  # 0-d, local steps in the sum


class Told(NamedTuple):
    """What an agent tells beside its direction."""

    excess: Tensor  # 0-d, e_i - 1, whose mean is exactly 0 where all e_i are 1
    value: Tensor  # 0-d, J_i


class Mixture(NamedTuple):
    """What the server remembers; the first two are broadcast."""

    value: Tensor  # 0-d, J̄
    logarithm: Tensor  # 0-d, sum over rounds of the logarithm of `mean`
    mean: Tensor  # 0-d, mean of e_i


@dataclass(frozen=True)
class AgnosticPG(Algorithm):
    """max_θ min_p Σ_i p_i J_i(θ): θ ascends on the mixture p, p_i ← p_i exp(-c J_i) / Σ_j p_j ….

    p begins as the agents' own weights. The readings taken: J_i is the mean return of the agent's
    last round and p moves once a round; the first source moves p by projected gradient steps, the
    second in this multiplicative way. Within a round agents step along e_i g, e_i = N p_i of the
    round before times exp(-c (J_i - J̄)), the last factor at most exp(3); the server divides by the
    mean of e_i over those who take part, which makes it N p_i where all do. With a large c the
    weights swing from agent to agent.
    """

    reference: ClassVar[str] = (
        "Mohri, Sivek, Suresh, ICML 2019, Agnostic Federated Learning, the objective; Sagawa, Koh, "
        "Hashimoto, Liang, ICLR 2020, Algorithm 1, the weights"
    )
    kind: ClassVar[str] = "fair"
    entrywise: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    contains: ClassVar = {"fedpg": {"weight_step": 0.0}}

    weight_step: float = tunable(
        0.1, low=0.01, high=10.0, domain=(0, 1e6), meaning="c, step of the weights; 0 is FedPG"
    )

    def agent_memory(self, theta: Tensor) -> Adversary:
        zero = theta.new_zeros(())
        return Adversary(zero, zero + 1, zero, zero)

    def server_memory(self, theta: Tensor) -> Mixture:
        zero = theta.new_zeros(())
        return Mixture(zero, zero.clone(), zero + 1)

    def broadcast(self, memory: Mixture) -> tuple[Tensor, Tensor]:
        return memory[:2]

    def begin(self, server: Server, agent: Agent) -> Adversary:
        """e_i = N p_i exp(-c (J_i - J̄)), the exponent at most 3; as it was where J_i is unknown."""
        memory: Adversary = agent.memory
        mean, total = server.memory[:2]
        behind = mean - memory.value / memory.steps.clamp(min=1)
        change = torch.where(memory.steps > 0, (self.weight_step * behind).clamp(max=3), 0)
        grown = memory.logarithm + change
        return Adversary(grown, exponential(grown - total), 0 * total, 0 * total)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = e_i g(θ); the server divides by the mean of e_i."""
        return agent.memory.weight * gradients.plain(agent.theta, batches[0])

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Adversary]:
        """`direction`, and the return of its batch."""
        memory, earned = agent.memory, batches[0].mean_return(gradients.discount)
        following = memory._replace(value=memory.value + earned, steps=memory.steps + 1)
        return self.direction(gradients, server, agent, *batches), following

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Adversary, Told]:
        memory: Adversary = agent.memory
        return memory, Told(memory.weight - 1, memory.value / memory.steps.clamp(min=1))

    def absorb(self, server: Server, direction: Tensor, message: Told, share: Tensor) -> Mixture:
        mean = 1 + message.excess
        return Mixture(message.value, server.memory.logarithm + logarithm(mean), mean)

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """u_{r+1} / mean e_i."""
        return direction / server.memory.mean
