"""QAvg from samples: federated averaging of batch Q-learning."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


@dataclass(frozen=True)
class QAvgSampled(Algorithm):
    """θ = Q/τ, so that softmax(θ) is the Boltzmann policy of Q at temperature τ.

    Readings taken. The K local updates are batch updates: all transitions of the B episodes, which
    are played by softmax(θ), use the Q they were sampled with. An episode shorter than T ended, and
    nothing follows its last step. Of a full-length one the last transition is left out, because
    where it led to is not stored. Softmax(θ) is also the policy that is scored.
    """

    reference: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, QAvg; Watkins 1989"
    kind: ClassVar[str] = "tabular Q-learning"
    finite: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    values_of: ClassVar = "optimal"

    temperature: float = tunable(
        0.1, low=0.01, high=1.0, domain=(1e-6, 1e6), meaning="τ, of the Boltzmann policy"
    )

    def values(self, theta: Tensor) -> Tensor:
        """Q = τ θ."""
        return self.temperature * theta

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (1/B) Σ_{(s,a,r,x)} e_{s,a} [r/τ + γ max_b θ[x,b] - θ[s,a]]: (d,).

        That is batch Q-learning on Q = τ θ, divided by τ.
        """
        batch = batches[0]
        actions = gradients.policy.shape[-1]
        state = torch.where(batch.alive, batch.observation[..., 0], 0).long()  # (B, T)
        action = torch.where(batch.alive, batch.action[..., 0], 0).long()
        best = agent.theta.reshape(-1, actions).amax(-1)[state]
        # Step T has no stored successor; before it, a step without one ended the episode.
        kept = batch.alive & (torch.arange(batch.reward.shape[-1]) < batch.reward.shape[-1] - 1)
        goes_on = batch.alive.roll(-1, -1)
        pair = state * actions + action
        target = batch.reward / self.temperature
        target = target + torch.where(goes_on, gradients.discount * best.roll(-1, -1), 0)
        error = torch.where(kept, target - agent.theta[pair], 0)
        entry = pair.unsqueeze(-1) == torch.arange(agent.theta.shape[-1])  # e_{s,a}: (B, T, d)
        change = torch.where(entry, error.unsqueeze(-1), 0).flatten(0, 1)
        # cumsum adds step after step, so that lifting cannot change the order.
        return change.cumsum(0)[-1] / batch.reward.shape[0]
