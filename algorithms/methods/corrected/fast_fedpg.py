"""Fast-FedPG: local gradients are shifted by how the agent differs from the federation."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class FastFedPG(Algorithm):
    """Batch gradients at θ_r, own and averaged, replace the agent's drift by the federation's.

    With exact gradients u = ∇J at θ_r for every agent. The reading taken for sampled gradients: the
    two terms at θ_r come from one batch per round, drawn before the local steps, so their noise is
    the same in all K steps and there is no importance weight. The server's step size is λ.
    """

    reference: ClassVar[str] = "Zhu, Heath, Mitra, arXiv 2409.05291, Fast-FedPG"
    kind: ClassVar[str] = "drift correction"
    entrywise: ClassVar[bool] = True
    snapshot: ClassVar[bool] = True

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g_i(θ) - g_i(θ_r) + mean_j g_j(θ_r)."""
        drift = server.snapshot - agent.snapshot
        return gradients.plain(agent.theta, batches[0]) + drift
