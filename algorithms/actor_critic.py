"""The contract of algorithms whose agents move θ = [policy, V] by an optimiser of their own."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server, structural, tunable
from fedrl.algorithms.estimators.actor_critic.critic import initial_actor_critic
from fedrl.algorithms.estimators.actor_critic.optimisers import OPTIMISERS
from fedrl.algorithms.estimators.actor_critic.proximal import Loops, Rates, proximal_step
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.lifting import joined
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.trajectory import Trajectories


class Moments(NamedTuple):
    """What a local optimiser remembers from local step to local step, and from round to round."""

    both: Tensor  # (2d,), first and second moments of the gradients; 0 where one is not used
    updates: Tensor  # (1,), updates so far


@dataclass(frozen=True)
class ActorCritic(Algorithm):
    """θ and V are both averaged; the optimiser's moments stay with the agent.

    As in practice, steps are not weighted by γ^h: the surrogate is not that of the discounted J.
    """

    kind: ClassVar[str] = "actor-critic"
    entrywise: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    actor_critic: ClassVar[bool] = True

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
    optimiser: Literal["sgd", "momentum", "adam"] = structural("adam", meaning="how agents ascend")
    standardise: bool = structural(True, meaning="advantages of a minibatch to mean 0, deviation 1")
    orthogonal: bool = structural(True, meaning="orthogonal initial weights of a network")

    def initial(self, policy: Policy, generator: np.random.Generator) -> Array:
        return initial_actor_critic(policy, generator, self.orthogonal)

    def agent_memory(self, theta: Tensor) -> Moments:
        return Moments(theta.new_zeros(2 * len(theta)), theta.new_zeros(1))

    def loops(self, discount: float) -> Loops:
        """How often a local step updates θ: once, along the gradient of the whole batch."""
        return Loops(1, 1, OPTIMISERS.index(self.optimiser), self.standardise, discount)

    def rates(self, agent: Agent) -> Rates:
        """The numbers of a local step; here ratios are free."""
        return Rates(
            agent.step.size * (1 - self.anneal * agent.step.progress),
            self.gae_decay,
            float("inf"),
            self.value_weight,
            self.entropy_weight,
            self.largest_norm,
        )

    @property
    def shuffles(self) -> int:
        return self.loops(1.0).epochs

    @property
    def least_steps(self) -> int:
        return self.loops(1.0).minibatches

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Any]:
        """u = (θ' - θ) / η, θ' after the updates along ∇L; and the moments after them."""
        state = joined([agent.theta, *agent.memory])
        loops, rates = self.loops(gradients.discount), self.rates(agent)
        given = (batches[0], agent.step.uniform, server.theta)
        moved = proximal_step(gradients.policy, loops, rates, state, *given)
        d = agent.theta.shape[-1]
        both, updates = moved[..., d : 3 * d], moved[..., 3 * d :]
        return (moved[..., :d] - agent.theta) / agent.step.size, Moments(both, updates)


@dataclass(frozen=True)
class Proximal(ActorCritic):
    """Passes over a batch in minibatches, with ratios that may leave 1 by ε only."""

    entrywise: ClassVar[bool] = True

    clip: float = tunable(
        0.2, low=0.05, high=0.5, domain=(0, 1e6), meaning="ε, how far a probability ratio may move"
    )
    epochs: int = structural(10, least=1, meaning="passes over a batch")
    minibatches: int = structural(4, least=1, meaning="updates per pass; 32 is usual for robots")
    clip_critic: bool = structural(False, meaning="V gains nothing beyond ε of its old value")

    def loops(self, discount: float) -> Loops:
        once, passes = super().loops(discount), self.epochs
        parts, held = self.minibatches, self.clip_critic
        return once._replace(epochs=passes, minibatches=parts, clip_critic=held)

    def rates(self, agent: Agent) -> Rates:
        return super().rates(agent)._replace(clip=self.clip)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after the optimiser's updates along ∇L on the batch sampled at θ.

        L(θ) = mean min(ρ A, clip(ρ, 1 ± ε) A) - c_v/2 (V - target)² + c_e H, target = A + V.
        """
        return self.local_step(gradients, server, agent, *batches)[0]
