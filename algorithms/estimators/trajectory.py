"""Trajectories: the episodes that an agent gives to an estimator."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Trajectories(NamedTuple):
    """B episodes of ONE agent, padded to T steps; lifting adds leading axes (S, N).

    Entries past an episode's length are undefined and must not be read.
    """

    observation: Tensor  # (B, T, o); a discrete state is stored as its index, o = 1
    action: Tensor  # (B, T, a); a discrete action is stored as its index, a = 1
    reward: Tensor  # (B, T)
    log_prob: Tensor  # (B, T), log π(action | observation) under `behaviour`
    length: Tensor  # (B,), number of steps taken
    final: Tensor  # (B, o), observed after the last step; 0 if the episode terminated there
    terminated: Tensor  # (B,) bool; False: only time was up, so the state has a future
    behaviour: Tensor  # (d,), the parameters that chose the actions
    value: Tensor  # (B, T), baseline of each state, whatever the action; zeros: none

    @property
    def alive(self) -> Tensor:
        """(B, T) bool, True up to and including the last step."""
        count: Any = np.arange if isinstance(self.length, np.ndarray) else torch.arange
        return count(self.reward.shape[-1]) < self.length[..., None]  # type: ignore[no-any-return]

    def mean_return(self, discount: float) -> Tensor:
        """(1/B) Σ_b Σ_h γ^h R_h: 0-d; of L agents at once (L, 1)."""
        arrays = isinstance(self.reward, np.ndarray)
        batch = Trajectories(*map(torch.from_numpy, self)) if arrays else self  # type: ignore[arg-type]
        reward = torch.where(batch.alive, batch.reward, 0)
        power = torch.full(reward.shape[-1:], discount, dtype=reward.dtype)
        power[:1] = 1  # in place of torch's power, whose bits depend on the processor
        power = power.cumprod(-1)
        # cumsum adds step after step, so that lifting cannot change the order.
        found: Any = (reward * power).flatten(-2).cumsum(-1)[..., -1] / reward.shape[-2]
        return found.unsqueeze(-1).numpy() if arrays else found  # type: ignore[no-any-return]
