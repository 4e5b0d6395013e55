"""FedProx-PG: local steps are pulled back towards the broadcast parameters."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


@dataclass(frozen=True)
class FedProxPG(Algorithm):
    """Every agent ascends J_i(θ) - (μ/2) ‖θ - θ_r‖².

    The paper lets agents solve this to any accuracy; the reading taken is K gradient steps.

    Known trap: of a constant drift K steps take back the share 1 - (1 - (1 - ημ)^K) / (Kημ), about
    ημ (K - 1) / 2: at η = 0.0006 and K = 10 that is 0.03 % with μ = 0.1. The strength is ημ, not μ.
    """

    reference: ClassVar[str] = "Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith, MLSys 2020, eq. 2"
    kind: ClassVar[str] = "proximal"
    contains: ClassVar = {"fedpg": {"mu": 0.0}}
    entrywise: ClassVar[bool] = True

    mu: float = tunable(
        0.1,
        low=1e-3,
        high=1.0,
        domain=(0, 1e8),
        meaning="strength of the pull; 0 is FedPG",
        unit="1/η",
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g(θ) - μ (θ - θ_r)."""
        pull = self.mu * (agent.theta - server.theta)
        return gradients.plain(agent.theta, batches[0]) - pull
