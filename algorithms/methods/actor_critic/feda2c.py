"""FedA2C: agents run advantage actor-critic, the server averages policies and critics."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.actor_critic import ActorCritic
from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories, structural


@dataclass(frozen=True)
class FedA2C(ActorCritic):
    """A local step is a batch of episodes and one update along the gradient of all of it.

    θ = [policy, V]; both are averaged, and the optimiser's moments stay with the agent. With N = 1
    and λ = ηK this is A2C, the synchronous form of A3C: FedPPO of one pass and one minibatch, in
    which every ratio is 1. As in practice, steps are not weighted by γ^h.
    """

    reference: ClassVar[str] = "Mnih et al., ICML 2016, Algorithm S3 without threads, inside FedAvg"

    entrywise: ClassVar[bool] = True

    standardise: bool = structural(False, meaning="advantages of a batch to mean 0, deviation 1")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after one update of the optimiser along ∇L on the batch at θ.

        ∇L = mean A ∇log π - c_v/2 ∇(V - target)² + c_e ∇H, target = A + V.
        """
        return self.local_step(gradients, server, agent, *batches)[0]
