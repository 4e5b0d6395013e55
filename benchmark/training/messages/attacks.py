"""Byzantine agents: what they tell the server instead of the truth (Fan et al., NeurIPS 2021).

The last agents of a federation are the Byzantine ones. With m the true vector (d,):

- sign-flip: -c m
- noise: c ‖m‖ z / ‖z‖ with z ~ N(0, I)
- random-action: m itself, but computed from episodes of the policy with all parameters zero,
  whatever parameters the agent was asked to follow (a broken actuator)
- reward-flip: m itself, but computed from rewards of the other sign
- zero-gradient: 0
- alie: what is just not an outlier, m̄ - c s by coordinate, with mean and standard deviation of the
  honest messages (Baruch, Baruch & Goldberg, NeurIPS 2019: "a little is enough")
- fedpg-attack: m̄ + c σ z/‖z‖, one z for all attackers; m̄ is the mean of their own true messages,
  and 2σ the largest distance of two of these: just beyond a filter of radius 2σ (Fan et al.,
  section 5; c = 3 there). Their published code draws z uniformly and for every layer apart; the
  reading taken is one Gaussian direction.

ALIE sees what the honest agents send.
"""

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.lifting import length, root
from fedrl.benchmark.config.conditions import Attack
from fedrl.benchmark.training.messages.aggregation import averaged
from fedrl.benchmark.training.rollout import Stream
from fedrl.envs.family import Array
from fedrl.envs.normal import box_muller


def byzantine(attack: Attack, agent: Array, agents: int) -> Tensor:
    """Who is Byzantine among lanes of these agents (L,) out of `agents`: (L, 1) bool."""
    chosen = (agent >= agents - attack.agents) & (agent < agents)
    return torch.from_numpy(chosen).unsqueeze(-1)


def corrupted(
    attack: Attack, message: Tensor, byzantine: Tensor, normal: Tensor, each: int
) -> Tensor:
    """Messages (L, d) as received, of `each` lanes per federation.

    byzantine is (L, 1) bool, normal (L, d) ~ N(0, I).
    """
    if attack.kind == "sign-flip":
        return torch.where(byzantine, -attack.scale * message, message)
    if attack.kind == "noise":
        ratio = message.norm(dim=-1, keepdim=True) / normal.norm(dim=-1, keepdim=True)
        return torch.where(byzantine, attack.scale * ratio * normal, message)
    if attack.kind == "zero-gradient":
        return torch.where(byzantine, 0, message)
    if attack.kind in ("alie", "fedpg-attack"):
        parts = (part.reshape(-1, each, part.shape[-1]) for part in (message, byzantine, normal))
        lie = _alie if attack.kind == "alie" else _beyond
        told = lie(attack.scale, *parts).unsqueeze(1).expand(-1, each, -1)
        return torch.where(byzantine, told.reshape(message.shape), message)
    return message


def _alie(scale: float, message: Tensor, byzantine: Tensor, normal: Tensor) -> Tensor:
    """Mean less c standard deviations of the honest messages, by coordinate: (G, d)."""
    honest = (~byzantine).to(message.dtype)[..., 0]
    weights = honest / honest.sum(-1, keepdim=True).clamp(min=1)
    mean = averaged(message, weights)
    square = averaged((message - mean.unsqueeze(1)).square(), weights)
    return mean - scale * root(square)


def _beyond(scale: float, message: Tensor, byzantine: Tensor, normal: Tensor) -> Tensor:
    """m̄ + c σ z/‖z‖ of the attackers' true messages, 2σ their largest distance: (G, d)."""
    liars = byzantine.to(message.dtype)[..., 0]
    mean = averaged(message, liars / liars.sum(-1, keepdim=True).clamp(min=1))
    apart = [
        (length(message - message[:, [i]]) * liars * liars[:, [i]]).amax(-1)
        for i in range(message.shape[1])
    ]
    largest = torch.stack(apart).amax(0).unsqueeze(-1)
    first = byzantine.to(torch.uint8).argmax(1).unsqueeze(-1).expand(-1, 1, normal.shape[-1])
    z = normal.gather(1, first)[:, 0]  # the attackers share the numbers of the first of them
    return mean + scale * largest / 2 * z / length(z).unsqueeze(-1)


def normal(stream: Stream, size: int) -> Array:
    """N(0, 1) numbers (L, size) of a stream, by Box and Muller."""
    uniform = stream.uniform(2 * ((size + 1) // 2))
    return box_muller(1 - uniform[:, ::2], np.ascontiguousarray(uniform[:, 1::2]))[:, :size]  # type: ignore[no-any-return]
