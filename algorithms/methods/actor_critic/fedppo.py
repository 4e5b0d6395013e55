"""FedPPO: agents run proximal policy optimisation, the server averages policies and critics."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Server, structural, tunable
from fedrl.algorithms.estimators.actor_critic.proximal import Loops, Rates
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.trajectory import Trajectories
from fedrl.algorithms.methods.actor_critic.actor_critic import ActorCritic


@dataclass(frozen=True)
class FedPPO(ActorCritic):
    """A local step is a batch of episodes, then `epochs` passes over it in minibatches.

    θ = [policy, V]; both are averaged. The optimiser's moments stay with the agent, as in the
    usual FedAvg of adaptive methods. With N = 1 and λ = ηK this is PPO. As in every implementation
    of it, steps are not weighted by γ^h: the surrogate is not that of the discounted J.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9, inside FedAvg"

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
