"""Normalised-PG: every agent steps along its gradient, as far whatever the gradient's length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server, tunable
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.trajectory import Trajectories


@dataclass(frozen=True)
class NormalisedPG(Algorithm):
    """Steep agents cannot outvote flat ones: all their directions have length below 1."""

    reference: ClassVar[str] = "normalised gradients: Nesterov 1984"

    delta: float = tunable(
        0.1, low=0.01, high=10.0, domain=(1e-6, 1e6), meaning="length that counts as half a step"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g(θ) / (‖g(θ)‖ + δ)."""
        gradient = gradients.plain(agent.theta, batches[0])
        return gradient / (gradient.norm() + self.delta)
