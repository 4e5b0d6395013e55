"""Byzantine agents: what they tell the server instead of the truth (Fan et al., NeurIPS 2021).

The last agents of a federation are the Byzantine ones. With m the true vector (d,):

- sign-flip: -c m
- noise: c ‖m‖ z / ‖z‖ with z ~ N(0, I)
- random-action: m itself, but computed from episodes of the policy with all parameters zero,
  whatever parameters the agent was asked to follow (a broken actuator)
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class Attack(BaseModel):
    """How many agents are Byzantine and what they do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agents: Annotated[int, Field(ge=1)]
    kind: Literal["sign-flip", "noise", "random-action"]
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.5  # c, as Fan et al. 2021


def corrupted(attack: Attack, message: Tensor, byzantine: Tensor, normal: Tensor) -> Tensor:
    """Messages (…, d) as the server receives them; byzantine (…, 1) bool, normal (…, d) ~ N(0, I)."""
    if attack.kind == "sign-flip":
        return torch.where(byzantine, -attack.scale * message, message)
    if attack.kind == "noise":
        length = message.norm(dim=-1, keepdim=True) / normal.norm(dim=-1, keepdim=True)
        return torch.where(byzantine, attack.scale * length * normal, message)
    return message
