"""Trajectories: the episodes that an agent gives to an estimator."""

from typing import NamedTuple

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
        steps = torch.arange(self.reward.shape[-1])
        return steps < self.length.unsqueeze(-1)

    def mean_return(self, discount: float) -> Tensor:
        """(1/B) Σ_b Σ_h γ^h R_h: 0-d."""
        reward = torch.where(self.alive, self.reward, 0)
        power = discount ** torch.arange(reward.shape[-1], dtype=reward.dtype)
        # cumsum adds step after step, so that lifting cannot change the order.
        return (reward * power).flatten().cumsum(0)[-1] / reward.shape[0]
