"""Independent PPO: every agent runs proximal policy optimisation, and nothing is sent."""

from dataclasses import dataclass
from typing import ClassVar

from fedrl.algorithms.actor_critic import Proximal


@dataclass(frozen=True)
class IndependentPPO(Proximal):
    """Every agent runs PPO from the common θ_0 = [policy, V] and is scored on its own MDP.

    What FedPPO has to beat for federation to help an agent: the same steps, the same start, the
    same random numbers, and no averaging.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9"
    federated: ClassVar[bool] = False
