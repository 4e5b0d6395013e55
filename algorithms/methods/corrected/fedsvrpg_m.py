"""FedSVRPG-M: momentum with an importance-sampled variance reduction (Wang et al., ICML 2024)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


@dataclass(frozen=True)
class FedSVRPGM(Algorithm):
    """The anchor u_r is the global momentum, the reference the previous global iterate θ_{r-1}.

    Known trap: one large weight w of a long episode can throw u_{r+1} away from ∇J, and 1 - β keeps
    it there; smaller η or a `weight_cap` helps, with numbers in docs/stability.md.
    """

    reference: ClassVar[str] = "Wang, He, Zhang, Miao, Anderson, ICML 2024, Algorithm 1"
    kind: ClassVar[str] = "variance reduction"
    entrywise: ClassVar[bool] = True
    uses_global_momentum: ClassVar[bool] = True
    exponent: ClassVar[float] = 1.5
    contains: ClassVar = {"fedpg": {"beta": 1.0}}

    beta: float = freshness("FedPG")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β g(θ) + (1 - β) [u_r + g(θ) - w(θ_{r-1} | θ) g(θ_{r-1})], episodes sampled at θ."""
        fresh = gradients.plain(agent.theta, batches[0])
        # θ_{r-1}, not θ_r: with θ_r the correction would vanish at the first local step.
        stale = gradients.weighted(server.previous, batches[0])
        return fresh + (1 - self.beta) * (server.momentum - stale)
