"""FedNPG: federated averaging of natural policy gradients."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, tunable


@dataclass(frozen=True)
class FedNPG(Algorithm):
    """Every agent preconditions its gradient with its own Fisher information; the server averages.

    The reading taken: K local natural steps per round, each with the F_i and g_i of one batch, and
    a plain mean. (One system in the averaged F and g, as in Lan et al., NeurIPS 2023, is the same
    for identical agents only.) F is normalised per step, g per episode, as the estimators are.
    """

    reference: ClassVar[str] = "Kakade, NIPS 2001, inside FedAvg; products as in Schulman 2015"
    kind: ClassVar[str] = "natural policy gradient"
    iterations: ClassVar[int] = 10  # of conjugate gradients; exact from d iterations on

    damping: float = tunable(
        0.1, low=1e-3, high=1.0, domain=(1e-8, 1e8), meaning="δ, added to the Fisher eigenvalues"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (F_i(θ) + δ I)⁻¹ g_i(θ), by `iterations` steps of conjugate gradients from u = 0.

        Hestenes and Stiefel 1952: a residual r and conjugate directions p, both (d,).
        """
        residual = gradients.plain(agent.theta, batches[0])
        solution, along = torch.zeros_like(residual), residual
        square = inner(residual, residual)
        for _ in range(self.iterations):
            product = gradients.fisher(agent.theta, batches[0], along) + self.damping * along
            step = ratio(square, inner(along, product))
            solution = solution + step * along
            residual = residual - step * product
            before, square = square, inner(residual, residual)
            along = residual + ratio(square, before) * along
        return solution


def inner(one: Tensor, two: Tensor) -> Tensor:
    """⟨one, two⟩ of two (d,), summed entry after entry, so that lifting cannot change the order."""
    return (one * two).cumsum(-1)[..., -1]


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below, 0 where below is 0: the system is then solved and nothing should move."""
    solved = below == 0
    return torch.where(solved, 0, above / torch.where(solved, 1, below))
