"""Other tables than `policy.TabularSoftmax`: π itself, Q, or the choices of an action's bits.

Those of bits can be sampled; π and Q are read by `estimators.exact` and by exact evaluation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from fedrl.algorithms.estimators.bits import log_rows
from fedrl.algorithms.estimators.lifting import lifted
from fedrl.algorithms.estimators.policy import Array, Table
from fedrl.algorithms.estimators.tables import greedy_rows, project_rows


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

    no_jacobian = "a greedy policy has no derivative; TabularSoftmax and TabularDirect have"

    def probabilities(self, theta: Array) -> Array:
        rows = np.ascontiguousarray(theta, np.float64).reshape(-1, self.actions)
        return greedy_rows(rows).reshape(*np.shape(theta)[:-1], *self.shape)

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        raise TypeError(self.no_jacobian)

    def initial(self, generator: np.random.Generator) -> Array:
        """Q = 0."""
        return np.zeros(self.size)

    def uniform(self) -> Array:
        raise TypeError(
            "no Q makes a greedy policy random; TabularSoftmax(states, actions).uniform() are "
            "parameters of the random policy"
        )


@dataclass(frozen=True)
class TabularBits(Table):
    """π(a|s) = Π σ(±θ[s,c]) over the bits of a; see `estimators.bits`."""

    no_jacobian = "bits have no exact gradients here; TabularSoftmax and TabularDirect have"

    def probabilities(self, theta: Array) -> Array:
        rows = np.ascontiguousarray(theta, np.float64).reshape(-1, self.actions)
        return np.exp(log_rows(rows)).reshape(*np.shape(theta)[:-1], *self.shape)  # type: ignore[no-any-return]

    def log_prob(self, theta: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        table = theta.reshape(self.states, self.actions)
        rows, taken = table[observation[..., 0].long()], action[..., 0].long()
        found = torch.zeros_like(rows[..., 0])
        for bit in range((self.actions - 1).bit_length()):
            place = ((taken >> (bit + 1)) << (bit + 1)) + (1 << bit)
            chosen = place < self.actions
            entry = rows.gather(-1, torch.where(chosen, place, 0).unsqueeze(-1)).squeeze(-1)
            side = torch.where((taken >> bit) & 1 == 1, entry, -entry)
            found = found + torch.where(chosen, logsigmoid(side), 0)
        return found

    def uniform(self) -> Array:
        """θ[s,c] is the logarithm of the actions on either side of c."""
        row = np.zeros(self.actions)
        for c in range(1, self.actions):
            width = c & -c  # of each side, but for actions that there are not
            row[c] = np.log(min(width, self.actions - c) / width)
        return np.tile(row, self.states)
