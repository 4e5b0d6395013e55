"""FedTD: federated averaging of temporal differences for the values of one policy."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class FedTD(Algorithm):
    """θ = Q^μ of the uniform policy μ, which plays; what is scored is softmax(θ).

    Readings taken. The source evaluates any policy's V with any linear features; here features are
    indicators of states and actions, so that what is evaluated also says how to do better. The
    action that follows is averaged over μ instead of drawn. All transitions of the B episodes of a
    local step use the θ they were met with; an episode that ended has no future, and one that time
    ended goes on from where it stopped.
    """

    reference: ClassVar[str] = (
        "Wang, Mitra, Hassani, Pappas, Anderson, TMLR 2024, FedTD(0); for Q instead of V"
    )
    kind: ClassVar[str] = "tabular TD, one policy"
    finite: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    values_of: ClassVar = "uniform"

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """0, the logits of μ."""
        return (torch.zeros_like(agent.theta),)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (1/B) Σ_{(s,a,r,x)} e_{s,a} [r + γ mean_b θ[x,b] - θ[s,a]]: (d,)."""
        batch = batches[0]
        actions = gradients.policy.shape[-1]
        state = torch.where(batch.alive, batch.observation[..., 0], 0).long()  # (B, T)
        action = torch.where(batch.alive, batch.action[..., 0], 0).long()
        pair = state * actions + action
        value = agent.theta.reshape(-1, actions).mean(-1)
        last = torch.arange(batch.reward.shape[-1]) == batch.length.unsqueeze(-1) - 1
        stopped = torch.where(batch.terminated, 0, value[batch.final[..., 0].long()]).unsqueeze(-1)
        ahead = torch.where(last, stopped, value[state].roll(-1, -1))
        error = batch.reward + gradients.discount * ahead - agent.theta[pair]
        error = torch.where(batch.alive, error, 0)
        entry = pair.unsqueeze(-1) == torch.arange(agent.theta.shape[-1])  # e_{s,a}: (B, T, d)
        change = torch.where(entry, error.unsqueeze(-1), 0).flatten(0, 1)
        # cumsum adds step after step, so that lifting cannot change the order.
        return change.cumsum(0)[-1] / batch.reward.shape[0]
