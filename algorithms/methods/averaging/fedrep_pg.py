"""FedRep-PG: agents train their personal layers first, then the shared ones."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.lifting import summed, where


@dataclass(frozen=True)
class FedRepPG(Algorithm):
    """θ = (shared representation, personal layers); each local step moves one of the two.

    The source alternates temporal differences and Q-learning; the reading taken is the same
    alternation with policy gradients. Without personal layers it is FedPG.
    """

    reference: ClassVar[str] = "Xiong et al., ICLR 2025, PFedRL-Rep, Algorithm 1, with g for TD"
    kind: ClassVar[str] = "personalisation"
    entrywise: ClassVar[bool] = True

    personal_share: float = tunable(
        0.5, low=0.1, high=0.9, domain=(0, 1), meaning="share of the K steps for personal layers"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = m g(θ), m the mask of personal entries while k < share · K, then of the others."""
        mine = agent.step.personal
        turn = where(agent.step.share < self.personal_share, mine, 1 - mine)
        turn = where(summed(mine) > 0, turn, 1)
        return turn * gradients.plain(agent.theta, batches[0])
