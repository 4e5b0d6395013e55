"""FedPPO: agents run proximal policy optimisation, the server averages policies and critics."""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server, structural, tunable
from fedrl.algorithms.estimators.actor_critic.critic import initial_actor_critic
from fedrl.algorithms.estimators.actor_critic.optimisers import OPTIMISERS
from fedrl.algorithms.estimators.actor_critic.proximal import Loops, Rates, proximal_step
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.trajectory import Trajectories


class Moments(NamedTuple):
    """State of a local optimiser, kept from local step to local step and from round to round."""

    both: Tensor  # (2d,), first and second moments of the gradients; 0 where one is not used
    updates: Tensor  # (1,), updates so far


@dataclass(frozen=True)
class FedPPO(Algorithm):
    """A local step is a batch of episodes, then `epochs` passes over it in minibatches.

    θ = [policy, V]; both are averaged. The optimiser's moments stay with the agent, as in the
    usual FedAvg of adaptive methods. With N = 1 and λ = ηK this is PPO. As in every implementation
    of it, steps are not weighted by γ^h: the surrogate is not that of the discounted J.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9, inside FedAvg"
    kind: ClassVar[str] = "actor-critic"
    episodic: ClassVar[bool] = True
    actor_critic: ClassVar[bool] = True

    clip: float = tunable(
        0.2, low=0.05, high=0.5, domain=(0, 1e6), meaning="ε, how far a probability ratio may move"
    )
    gae_decay: float = tunable(
        0.95, low=0.8, high=1.0, domain=(0, 1), meaning="λ of the advantages; 1 is Monte Carlo"
    )
    value_weight: float = tunable(
        0.5, low=0.1, high=1.0, domain=(0, 1e6), meaning="c_v, of half the squared error of V"
    )
    entropy_weight: float = tunable(
        0.0, low=0.0, high=0.02, domain=(0, 1e6), meaning="c_e, of the policy's entropy"
    )
    largest_norm: float = tunable(
        0.5, low=0.2, high=5.0, domain=(1e-12, 1e12), meaning="norm to which gradients are cut"
    )
    anneal: float = tunable(
        1.0, low=0.0, high=1.0, domain=(0, 1), meaning="share of η that is gone when the budget is"
    )
    epochs: int = structural(10, least=1, meaning="passes over a batch")
    minibatches: int = structural(4, least=1, meaning="updates per pass; 32 is usual for robots")
    optimiser: Literal["sgd", "momentum", "adam"] = structural("adam", meaning="how agents ascend")
    standardise: bool = structural(True, meaning="advantages of a minibatch to mean 0, deviation 1")
    clip_critic: bool = structural(False, meaning="V gains nothing beyond ε of its old value")
    orthogonal: bool = structural(True, meaning="orthogonal initial weights of a network")

    @property
    def shuffles(self) -> int:
        return self.epochs

    @property
    def least_steps(self) -> int:
        return self.minibatches

    def initial(self, policy: Policy, generator: np.random.Generator) -> Array:
        return initial_actor_critic(policy, generator, self.orthogonal)

    def agent_memory(self, theta: Tensor) -> Moments:
        return Moments(theta.new_zeros(2 * len(theta)), theta.new_zeros(1))

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after the optimiser's updates along ∇L on the batch sampled at θ."""
        return self.local_step(gradients, server, agent, *batches)[0]

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Moments]:
        """L(θ) = mean min(ρ A, clip(ρ, 1 ± ε) A) - c_v/2 (V - target)² + c_e H, target = A + V."""
        optimiser = OPTIMISERS.index(self.optimiser)
        loops = Loops(
            self.epochs,
            self.minibatches,
            optimiser,
            self.standardise,
            gradients.discount,
            self.clip_critic,
        )
        rates = Rates(
            agent.step.size * (1 - self.anneal * agent.step.progress),
            self.gae_decay,
            self.clip,
            self.value_weight,
            self.entropy_weight,
            self.largest_norm,
        )
        state = torch.cat([agent.theta, *agent.memory])
        moved = proximal_step(gradients.policy, loops, rates, state, batches[0], agent.step.uniform)
        theta, both, updates = moved.split([len(agent.theta), 2 * len(agent.theta), 1])
        return (theta - agent.theta) / agent.step.size, Moments(both, updates)
