"""Byzantine agents: what they tell the server instead of the truth (Fan et al., NeurIPS 2021).

The last agents of a federation are the Byzantine ones. With m the true vector (d,):

- sign-flip: -c m
- noise: c ‖m‖ z / ‖z‖ with z ~ N(0, I)
- random-action: m itself, but computed from episodes of the policy with all parameters zero,
  whatever parameters the agent was asked to follow (a broken actuator)
"""

import numpy as np
import torch
from torch import Tensor

from fedrl.benchmark.config.conditions import Attack
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.rollout import Stream
from fedrl.envs.family import Array


def byzantine(attack: Attack, agent: Array, agents: int) -> Tensor:
    """Who is Byzantine among lanes of these agents (L,) out of `agents`: (L, 1) bool."""
    chosen = (agent >= agents - attack.agents) & (agent < agents)
    return torch.from_numpy(chosen).unsqueeze(-1)


def corrupted(attack: Attack, message: Tensor, byzantine: Tensor, normal: Tensor) -> Tensor:
    """Messages (L, d) as received; byzantine (L, 1) bool, normal (L, d) ~ N(0, I)."""
    if attack.kind == "sign-flip":
        return torch.where(byzantine, -attack.scale * message, message)
    if attack.kind == "noise":
        length = message.norm(dim=-1, keepdim=True) / normal.norm(dim=-1, keepdim=True)
        return torch.where(byzantine, attack.scale * length * normal, message)
    return message


def normal(stream: Stream, size: int) -> Array:
    """N(0, 1) numbers (L, size) of a stream, by Box and Muller."""
    uniform = np.empty((len(stream.keys), 2 * ((size + 1) // 2)))
    uniform_lanes(uniform, *stream, 1, 0)
    radius = np.sqrt(-2 * np.log(1 - uniform[:, ::2]))  # 1 - u is on (0, 1]
    angle = 2 * np.pi * uniform[:, 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :size]
