"""Server optimisers: what a server that remembers makes of u_{r+1} before it steps.

`ServerStep` has the formulas. Entries are computed one by one and a norm is summed in order: a
federation's numbers do not depend on the others in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.estimators.lifting import normalised, root
from fedrl.benchmark.config.conditions import ServerStep


class ServerOptimiser(NamedTuple):
    """The moments of G federations' servers; nothing of them is sent."""

    rule: ServerStep | None
    moments: Tensor  # (G, n·d): n = 1 for momentum, 2 for adam and yogi, else 0

    @classmethod
    def of(cls, rule: ServerStep | None, theta: Tensor) -> ServerOptimiser:
        """Before the first round, of servers at theta (G, d)."""
        kind = "none" if rule is None else rule.kind
        count = {"momentum": 1, "adam": 2, "yogi": 2}.get(kind, 0)
        moments = theta.new_zeros(len(theta), count * theta.shape[1])
        if rule is not None and count == 2:
            moments[:, theta.shape[1] :] = rule.floor**2
        return cls(rule, moments)

    def step(self, direction: Tensor) -> tuple[ServerOptimiser, Tensor]:
        """The server after it has seen u_{r+1} (G, d), and the direction it steps along."""
        rule = self.rule
        if rule is None:
            return self, direction
        if rule.kind == "normalised":
            return self, normalised(direction)
        if rule.kind == "momentum":
            kept = rule.first_decay * self.moments + direction
            return self._replace(moments=kept), kept
        first, second = self.moments.chunk(2, dim=-1)
        square, fresh = direction.square(), 1 - rule.second_decay
        first = rule.first_decay * first + (1 - rule.first_decay) * direction
        if rule.kind == "adam":
            second = rule.second_decay * second + fresh * square
        else:
            second = second - fresh * square * torch.sign(second - square)
        kept = torch.cat([first, second], -1)
        return self._replace(moments=kept), first / (root(second) + rule.floor)
