"""Policies of model-based algorithms: the table is π itself, or Q. `policy.TabularSoftmax` is
the one that can be sampled; these are read by `estimators.exact` and by exact evaluation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from fedrl.algorithms.estimators.lifting import lifted
from fedrl.algorithms.estimators.policy import Array, Table
from fedrl.algorithms.estimators.tables import greedy_rows, project_rows

NO_GRADIENT = "a greedy policy has no derivative; TabularSoftmax and TabularDirect have"


@dataclass(frozen=True)
class TabularDirect(Table):
    """π(a|s) = θ[s,a]; every row of θ is a distribution, kept one by `project`."""

    def probabilities(self, theta: Array) -> Array:
        return np.asarray(theta, np.float64).reshape(*np.shape(theta)[:-1], *self.shape)

    def jacobian(self, probability: Array, vector: Array) -> Array:
        return vector

    def jacobian_change(self, probability: Array, change: Array, vector: Array) -> Array:
        return np.zeros_like(vector)

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        table = theta.reshape(self.states, self.actions).log()
        return table[observation[..., 0].long(), action[..., 0].long()]

    def project(self, theta: Tensor) -> Tensor:
        """Row by row the closest distribution in Euclidean distance: (..., d)."""

        def rows(out: Array, points: Any) -> None:
            project_rows(points.reshape(-1, self.actions), out.reshape(-1, self.actions))

        return lifted(rows, theta)

    def uniform(self) -> Array:
        return np.full(self.size, 1 / self.actions)


@dataclass(frozen=True)
class TabularGreedy(Table):
    """π(a|s) = 1 for the first a with the largest θ[s,a]; θ is Q."""

    def probabilities(self, theta: Array) -> Array:
        rows = np.ascontiguousarray(theta, np.float64).reshape(-1, self.actions)
        return greedy_rows(rows).reshape(*np.shape(theta)[:-1], *self.shape)

    def jacobian(self, probability: Array, vector: Array) -> Array:
        raise TypeError(NO_GRADIENT)

    def jacobian_change(self, probability: Array, change: Array, vector: Array) -> Array:
        raise TypeError(NO_GRADIENT)

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        raise TypeError(NO_GRADIENT)

    def initial(self, generator: np.random.Generator) -> Array:
        """Q = 0."""
        return np.zeros(self.size)

    def uniform(self) -> Array:
        raise TypeError(
            "no Q makes a greedy policy random; TabularSoftmax(states, actions).uniform() are "
            "parameters of the random policy"
        )
