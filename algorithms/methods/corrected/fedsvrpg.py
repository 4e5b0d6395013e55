"""FedSVRPG: variance reduction from a snapshot shared by all agents, without momentum."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class FedSVRPG(Algorithm):
    """Every round opens with a snapshot μ = mean_i g_i(θ_r); local steps correct it.

    E u = μ + ∇J_i(θ) - ∇J_i(θ_r). This is SVRPG with a federated snapshot: what is left of
    FedSVRPG-M when its reference is θ_r and its anchor a fresh batch instead of a momentum. The
    correction vanishes at the first local step, which is therefore the step of a large batch.
    """

    reference: ClassVar[str] = "SVRPG: Papini et al., ICML 2018, inside FedAvg"
    kind: ClassVar[str] = "variance reduction"
    entrywise: ClassVar[bool] = True
    snapshot: ClassVar[bool] = True

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = μ + g(θ) - w(θ_r | θ) g(θ_r), episodes sampled at θ."""
        fresh = gradients.plain(agent.theta, batches[0])
        stale = gradients.weighted(server.theta, batches[0])
        return server.snapshot + (fresh - stale)
