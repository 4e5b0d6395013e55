"""FedTRPO: federated averaging of natural gradient steps of a given length in policies."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import (
    Agent,
    Algorithm,
    Gradients,
    Server,
    Trajectories,
    structural,
    tunable,
)
from fedrl.algorithms.estimators.actor_critic.region import gain_and_divergence
from fedrl.algorithms.estimators.lifting import root, where
from fedrl.algorithms.estimators.natural import inner, natural_gradient, ratio


@dataclass(frozen=True)
class FedTRPO(Algorithm):
    """A local step goes along x = (F_i + δI)⁻¹ g_i as far as the divergence ρ allows.

    To second order that is √(2ρ / ⟨x, g_i⟩) x. Of it and its halves the first is taken whose
    surrogate has gained and whose mean divergence is at most ρ; none, if none is so. η is the unit
    of u only, and with λ = ηK of nothing else. With `backtracks` = 0 the step is taken unseen: a
    natural gradient of normalised length. The reading taken: the gradient and F are FedNPG's, with
    returns for advantages unless a `critic` is there.
    """

    reference: ClassVar[str] = "Schulman et al., ICML 2015, Appendix C, inside FedAvg"
    kind: ClassVar[str] = "trust region"
    entrywise: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    backtrack: ClassVar[float] = 0.5

    damping: float = tunable(
        0.1, low=1e-3, high=1.0, domain=(1e-8, 1e8), meaning="δ, added to the Fisher eigenvalues"
    )
    radius: float = tunable(
        0.01, low=1e-3, high=0.1, domain=(1e-12, 1e6), meaning="ρ, mean divergence of a local step"
    )
    backtracks: int = structural(10, least=0, meaning="candidates tried, each half of the last")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = 2⁻ʲ √(2ρ / ⟨x, g_i(θ)⟩) x / η, x = (F_i(θ) + δ I)⁻¹ g_i(θ), for the first good j."""
        theta, batch = agent.theta, batches[0]
        along, gradient = natural_gradient(gradients, theta, batch, self.damping)
        slope = inner(along, gradient)
        move = root(ratio(2 * self.radius, slope.clip(min=0))) * along
        if self.backtracks == 0:
            return move / agent.step.size
        taken, found = 0.0, slope < slope
        for _ in range(self.backtracks):
            gain, apart = gain_and_divergence(gradients, theta, theta + move, batch)
            good = (gain > 0) & (apart <= self.radius) & ~found
            taken, found = where(good, move, taken), found | good
            move = self.backtrack * move
        return taken / agent.step.size
