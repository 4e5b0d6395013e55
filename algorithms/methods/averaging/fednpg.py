"""FedNPG: federated averaging of natural policy gradients."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable
from fedrl.algorithms.estimators.natural import natural_gradient


@dataclass(frozen=True)
class FedNPG(Algorithm):
    """Every agent preconditions its gradient with its own Fisher information; the server averages.

    The reading taken: K local natural steps per round, each with the F_i and g_i of one batch, and
    a plain mean. (One system in the averaged F and g, as in Lan et al., NeurIPS 2023, is the same
    for identical agents only.) F is normalised per step, g per episode, as the estimators are.
    """

    reference: ClassVar[str] = "Kakade, NIPS 2001, inside FedAvg; products as in Schulman 2015"
    kind: ClassVar[str] = "natural policy gradient"
    entrywise: ClassVar[bool] = True

    damping: float = tunable(
        0.1, low=1e-3, high=1.0, domain=(1e-8, 1e8), meaning="δ, added to the Fisher eigenvalues"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (F_i(θ) + δ I)⁻¹ g_i(θ), by ten steps of conjugate gradients from u = 0."""
        return natural_gradient(gradients, agent.theta, batches[0], self.damping)[0]
