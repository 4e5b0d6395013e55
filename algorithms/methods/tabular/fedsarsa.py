"""FedSARSA: federated averaging of on-policy temporal differences."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


@dataclass(frozen=True)
class FedSARSA(Algorithm):
    """θ = Q/τ with a feature for every state and action; π = softmax(θ) follows Q as it moves.

    Readings taken. The source allows any linear features and any Lipschitz improvement of the
    policy; here features are indicators and the improvement is softmax(Q/τ). All transitions of the
    B episodes of a local step use the Q they were sampled with. An episode shorter than T ended,
    and nothing follows its last step; of a full-length one the last transition is left out, because
    the action that would follow is not stored.
    """

    reference: ClassVar[str] = "Zhang, Wang, Mitra, Anderson, ICLR 2024, FedSARSA, Algorithm 1"
    kind: ClassVar[str] = "tabular SARSA"
    finite: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    values_of: ClassVar = "followed"

    temperature: float = tunable(
        0.1, low=0.01, high=1.0, domain=(1e-6, 1e6), meaning="τ, of the policy softmax(Q/τ)"
    )

    def values(self, theta: Tensor) -> Tensor:
        """Q = τ θ."""
        return self.temperature * theta

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (1/B) Σ_{(s,a,r,x,b)} e_{s,a} [r/τ + γ θ[x,b] - θ[s,a]]: (d,).

        That is SARSA on Q = τ θ, divided by τ.
        """
        batch = batches[0]
        actions = gradients.policy.shape[-1]
        state = torch.where(batch.alive, batch.observation[..., 0], 0).long()  # (B, T)
        action = torch.where(batch.alive, batch.action[..., 0], 0).long()
        pair = state * actions + action
        value = agent.theta[pair]
        # Step T has no stored successor; before it, a step without one ended the episode.
        kept = batch.alive & (torch.arange(batch.reward.shape[-1]) < batch.reward.shape[-1] - 1)
        goes_on = batch.alive.roll(-1, -1)
        target = batch.reward / self.temperature
        target = target + torch.where(goes_on, gradients.discount * value.roll(-1, -1), 0)
        error = torch.where(kept, target - value, 0)
        entry = pair.unsqueeze(-1) == torch.arange(agent.theta.shape[-1])  # e_{s,a}: (B, T, d)
        change = torch.where(entry, error.unsqueeze(-1), 0).flatten(0, 1)
        # cumsum adds step after step, so that lifting cannot change the order.
        return change.cumsum(0)[-1] / batch.reward.shape[0]
