"""FedPPO: agents run proximal policy optimisation, the server averages policies and critics."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.actor_critic import Proximal
from fedrl.algorithms.algorithm import Agent, Server
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.trajectory import Trajectories


@dataclass(frozen=True)
class FedPPO(Proximal):
    """A local step is a batch of episodes, then `epochs` passes over it in minibatches.

    θ = [policy, V]; both are averaged. The optimiser's moments stay with the agent, as in the
    usual FedAvg of adaptive methods. With N = 1 and λ = ηK this is PPO. As in every implementation
    of it, steps are not weighted by γ^h: the surrogate is not that of the discounted J.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9, inside FedAvg"

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after the optimiser's updates along ∇L on the batch sampled at θ.

        L(θ) = mean min(ρ A, clip(ρ, 1 ± ε) A) - c_v/2 (V - target)² + c_e H, target = A + V.
        """
        return self.local_step(gradients, server, agent, *batches)[0]
