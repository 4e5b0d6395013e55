"""FedPPO: agents run proximal policy optimisation, the server averages policies and critics."""

from dataclasses import dataclass
from typing import ClassVar

from fedrl.algorithms.actor_critic import Proximal


@dataclass(frozen=True)
class FedPPO(Proximal):
    """A local step is a batch of episodes, then `epochs` passes over it in minibatches.

    θ = [policy, V]; both are averaged. The optimiser's moments stay with the agent, as in the
    usual FedAvg of adaptive methods. With N = 1 and λ = ηK this is PPO. As in every implementation
    of it, steps are not weighted by γ^h: the surrogate is not that of the discounted J.
    """

    reference: ClassVar[str] = "Schulman et al. 2017 (arXiv 1707.06347), eq. 9, inside FedAvg"
