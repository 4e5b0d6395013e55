"""S-FedPG: federated policy gradient on the entropy-regularised reward."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.lifting import flat, where


@dataclass(frozen=True)
class SFedPG(Algorithm):
    """FedPG for J_τ(θ) = E Σ_h γ^h (R_h - τ log π_θ(a_h|s_h)), softer than J.

    The reading taken: only the regularised reward of the paper's softmax FedPG; its server does
    not project θ. J itself, without τ, is what is scored.
    """

    reference: ClassVar[str] = "Labbi, Mangold, Tiapkin, Moulines 2025 (arXiv 2505.23459)"
    kind: ClassVar[str] = "regularised policy gradient"
    entrywise: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    contains: ClassVar = {"fedpg": {"temperature": 0.0}}

    temperature: float = tunable(
        0.01, low=1e-4, high=0.1, domain=(0, 1e6), meaning="τ, weight of the entropy; 0 is FedPG"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g_i(θ) with the reward R - τ log π_θ(a|s), episodes sampled at θ. E u = ∇J_τ(θ).

        The derivative of the reward itself has mean zero: E ∇log π = 0 at every step.
        """
        batch = batches[0]
        taken = where(batch.alive, batch.log_prob, 0)  # padding is undefined
        charge = (self.temperature * flat(taken)).reshape(taken.shape)
        return gradients.plain(agent.theta, batch._replace(reward=batch.reward - charge))
