"""Independent PPO: every agent runs proximal policy optimisation, and nothing is sent."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.actor_critic import Proximal
from fedrl.algorithms.algorithm import Agent, Server
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.trajectory import Trajectories


@dataclass(frozen=True)
class IndependentPPO(Proximal):
    """Every agent runs PPO from the common θ_0 = [policy, V] and is scored on its own MDP.

    What FedPPO has to beat for federation to help an agent: the same steps, the same start, the
    same random numbers, and no averaging.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9"
    federated: ClassVar[bool] = False

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (θ' - θ) / η, θ' after the optimiser's updates along ∇L on the batch sampled at θ.

        L(θ) = mean min(ρ A, clip(ρ, 1 ± ε) A) - c_v/2 (V - target)² + c_e H, target = A + V.
        """
        return self.local_step(gradients, server, agent, *batches)[0]
