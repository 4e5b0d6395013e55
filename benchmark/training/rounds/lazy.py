"""Lazy uploads: an agent whose update is near the one it sent last sends nothing.

The server then goes on with the one that it has of the agent (Chen, Zhang, Giannakis & Başar, IEEE
TCNS 2022, LAPG).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from fedrl.benchmark.config.communication import Lazy


class Uploads(NamedTuple):
    """What agents sent last, and how far the server has moved of late; nothing unless lazy."""

    last: Any = ()  # leaves (G, n, …), infinite before an agent has sent
    moves: Any = ()  # (G, D), ‖(θ_{r+1-j} - θ_{r-j}) / λ‖² of the last D rounds

    @classmethod
    def of(cls, lazy: Lazy, form: Any) -> Uploads:
        """Before the first round; `form` is like all agents' updates, leaves (G, n, …)."""
        groups, dtype = len(tree_leaves(form)[0]), tree_leaves(form)[0].dtype
        never = tree_map(lambda leaf: torch.full_like(leaf, float("inf")), form)
        return cls(never, torch.zeros(groups, lazy.window, dtype=dtype))

    def heard(self, lazy: Lazy, sent: Any) -> tuple[Uploads, Any, Tensor]:
        """What the server has of all agents, leaves (L, …), and which of them spoke (L,), bool.

        Agent i sends m unless ‖m - m_i‖² < (weight / D) Σ_j ‖(θ_{r+1-j} - θ_{r-j}) / λ‖² + noise,
        m_i what it sent last. What is not finite is sent: its run has diverged.
        """
        mine = tree_map(lambda leaf: leaf.flatten(0, 1), self.last)
        pairs = list(zip(tree_leaves(sent), tree_leaves(mine), strict=True))
        far = sum((new - old).square().flatten(1).sum(1) for new, old in pairs)
        near = lazy.weight * self.moves.mean(dim=1) + lazy.noise
        near = near.repeat_interleave(len(far) // len(near))
        spoke: Tensor = ~(far < near)

        def latest(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(spoke.reshape(-1, *[1] * (new.dim() - 1)), new, old)

        known = tree_map(latest, sent, mine)
        last = tree_map(lambda leaf, new: new.reshape(leaf.shape), self.last, known)
        return self._replace(last=last), known, spoke

    def moved(self, step: Tensor) -> Uploads:
        """After the server has stepped by λ times `step` (G, d)."""
        if not len(self.moves):
            return self
        latest = step.square().sum(dim=1, keepdim=True)
        return self._replace(moves=torch.cat([latest, self.moves[:, :-1]], dim=1))
