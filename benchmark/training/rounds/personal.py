"""The entries of θ that agents keep to themselves: to them, an agent is a federation of its own.

Every agent sees θ_r, θ_{r-1} and u_r with its own values in the personal entries, which follow the
same rule as the shared ones: u is the agent's mean local direction and θ ← θ + λ u. Nothing of them
is sent.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms import Server
from fedrl.benchmark.training.rounds.program import Program


class Personal(NamedTuple):
    """p personal entries of d, of all agents of G federations."""

    entries: Tensor  # (p,), which of the d
    shared: Tensor  # (d - p,), the others
    mask: Tensor  # (d,), 1 where an entry is personal, else 0
    values: Tensor  # (G, n, 3, p), of θ_r, θ_{r-1} and u_r

    @classmethod
    def of(cls, program: Program, theta: Tensor) -> Personal:
        """Before the first round, at θ_0 (G, d)."""
        mine = torch.zeros(theta.shape[-1], dtype=torch.bool)
        if program.algorithm.federated:
            layers = program.policy.layers | {"critic": slice(program.policy.size, len(mine))}
            for name in program.config.personal or ():
                mine[layers[name]] = True
        entries = mine.nonzero()[:, 0]
        at = theta[:, entries]
        values = torch.stack([at, at, torch.zeros_like(at)], dim=1)
        values = values.unsqueeze(1).repeat(1, program.agents_per_federation, 1, 1)
        return cls(entries, (~mine).nonzero()[:, 0], mine.to(theta.dtype), values)

    @property
    def some(self) -> bool:
        """Whether there are personal entries."""
        return len(self.entries) > 0

    def sent(self, vectors: Tensor) -> Tensor:
        """The entries (…, d - p) of vectors (…, d) that cross."""
        return vectors[..., self.shared] if self.some else vectors

    def whole(self, vectors: Tensor) -> Tensor:
        """Vectors (…, d) of what crossed (…, d - p), 0 in the personal entries."""
        if not self.some:
            return vectors
        found = vectors.new_zeros(*vectors.shape[:-1], len(self.entries) + len(self.shared))
        found[..., self.shared] = vectors
        return found

    def theta(self, theta: Tensor, rows: Tensor) -> Tensor:
        """θ_r (L, …) of the lanes at `rows` among all agents, with their own entries."""
        return self._put(theta, self.values.flatten(0, 1)[rows, 0])

    def seen(self, server: Server, snapshot: Tensor, rows: Tensor) -> Server:
        """What the lanes at `rows` see of the server (L, …); `snapshot` (L, d) is their own."""
        if not self.some:
            return server
        theta, previous, momentum = self.values.flatten(0, 1)[rows].unbind(1)
        return server._replace(
            theta=self._put(server.theta, theta),
            previous=self._put(server.previous, previous),
            momentum=self._put(server.momentum, momentum),
            snapshot=self._put(server.snapshot, snapshot[:, self.entries]),
        )

    def stepped(self, means: Tensor, step: Tensor, rows: Tensor) -> Personal:
        """After a round in which the lanes at `rows` went along means (L, d) by λ (L, 1)."""
        own = means[:, self.entries]
        values = self.values.flatten(0, 1).clone()
        theta = values[rows, 0]
        values[rows] = torch.stack([theta + step * own, theta, own], dim=1)
        return self._replace(values=values.reshape(self.values.shape))

    def started(self, first: Tensor) -> Personal:
        """With u_0 (G·n, d) of every agent's own."""
        if not self.some:
            return self
        values = self.values.clone()
        values[:, :, 2] = first[:, self.entries].reshape(values[:, :, 2].shape)
        return self._replace(values=values)

    def _put(self, vectors: Tensor, own: Tensor) -> Tensor:
        if not self.some:
            return vectors
        found = vectors.clone()
        found[..., self.entries] = own
        return found
