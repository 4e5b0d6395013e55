"""Independent PG: no communication at all."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class IndependentPG(Algorithm):
    """Every agent ascends its own J_i from the common θ_0 and is scored on its own MDP."""

    reference: ClassVar[str] = "REINFORCE: Williams 1992"
    entrywise: ClassVar[bool] = True
    federated: ClassVar[bool] = False

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g_i(θ)."""
        return gradients.plain(agent.theta, batches[0])
