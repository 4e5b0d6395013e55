"""The natural gradient by conjugate gradients."""

from typing import Any

from torch import Tensor

from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.lifting import summed, where
from fedrl.algorithms.estimators.trajectory import Trajectories

ITERATIONS = 10  # exact from d iterations on


def natural_gradient(
    gradients: Gradients, theta: Tensor, batch: Trajectories, damping: Tensor | float
) -> tuple[Tensor, Tensor]:
    """x = (F(θ) + δ I)⁻¹ g(θ), by `ITERATIONS` steps from 0, and g(θ): (d,) each.

    Hestenes and Stiefel 1952: a residual r and conjugate directions p, both (d,).
    """
    gradient = residual = gradients.plain(theta, batch)
    solution: Any = 0.0
    along = residual
    square = inner(residual, residual)
    for _ in range(ITERATIONS):
        product = gradients.fisher(theta, batch, along) + damping * along
        step = ratio(square, inner(along, product))
        solution = solution + step * along
        residual = residual - step * product
        before, square = square, inner(residual, residual)
        along = residual + ratio(square, before) * along
    return solution, gradient


def inner(one: Any, two: Any) -> Any:
    """⟨one, two⟩ of two (d,): (1,)."""
    return summed(one * two)


def ratio(above: Any, below: Any) -> Any:
    """above / below, 0 where below is 0: the system is then solved and nothing should move."""
    solved = below == 0
    return where(solved, 0, above / where(solved, 1, below))
