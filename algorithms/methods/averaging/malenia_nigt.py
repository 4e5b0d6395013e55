"""Malenia NIGT: the server steps when every agent's mean is known well enough."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Server, structural
from fedrl.algorithms.transport import Transport

ROUNDING = 1e-6  # of the harmonic mean


class Own(NamedTuple):
    """What an agent remembers of its directions since the server stepped."""

    total: Tensor  # (d,)
    taken: Tensor  # 0-d, B_i
    step: Tensor  # 0-d, after how many steps of the server


class Change(NamedTuple):
    """What an agent tells beside its direction."""

    inverse: Tensor  # 0-d, by how much 1/B_i changed, 1 at first


class Gathered(NamedTuple):
    """What the server remembers; of it, agents are told `step`."""

    mean: Tensor  # (d,), d_r
    total: Tensor  # (d,), sum over agents of their means
    inverse: Tensor  # 0-d, Σ 1/B_i over those who have arrived
    seen: Tensor  # 0-d, how many have
    full: Tensor  # 0-d, 1 when it has enough
    step: Tensor  # 0-d, steps so far


@dataclass(frozen=True)
class MaleniaNIGT(Transport):
    """d ← (1 - α) d + α (1/N) Σ_i (1/B_i) Σ g_i, θ ← θ + λ d / ‖d‖.

    Agents sample again and again at θ + (1 - α)/α (θ_r - θ_{r-1}), B_i times, until the harmonic
    mean of the B_i is at least M/N; then they send their means, and what is unfinished is dropped.
    Every agent weighs the same, fast or slow. A mean is followed arrival by arrival, as the change
    that each brings to it. The reading taken is "at least", so that M = N is one each.
    """

    reference: ClassVar[str] = (
        "Tyurin, Spiridonov, Rudenko, ICLR 2026, Malenia NIGT; the condition: Tyurin & Richtárik "
        "2023, Malenia SGD"
    )
    kind: ClassVar[str] = "asynchronous"
    entrywise: ClassVar[bool] = True
    asynchronous: ClassVar[bool] = True

    gathered: int = structural(2, meaning="M, N times the harmonic mean of directions", least=1)

    def agent_memory(self, theta: Tensor) -> Own:
        return Own(torch.zeros_like(theta), theta.new_zeros(()), theta.new_zeros(()))

    def server_memory(self, theta: Tensor) -> Gathered:
        nothing, zero = torch.zeros_like(theta), theta.new_zeros(())
        return Gathered(nothing, nothing.clone(), *(zero.clone() for _ in range(4)))

    def broadcast(self, memory: Gathered) -> tuple[Tensor]:
        return (memory.step,)

    def begin(self, server: Server, agent: Agent) -> Own:
        """Nothing, if the server has stepped."""
        memory: Own = agent.memory
        goes_on = torch.where(memory.step == server.memory[0], 1, 0)
        return Own(goes_on * memory.total, goes_on * memory.taken, server.memory[0])

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Own, Change]:
        memory: Own = agent.memory
        count = memory.taken + 1
        before = torch.where(memory.taken > 0, 1 / memory.taken.clamp(min=1), 0)
        return Own(memory.total + direction, count, memory.step), Change(1 / count - before)

    def upload(self, server: Server, agent: Agent, direction: Tensor) -> Tensor:
        """By how much the agent's mean changes."""
        memory: Own = agent.memory
        before = memory.total / memory.taken.clamp(min=1)
        return (memory.total + direction) / (memory.taken + 1) - before

    def absorb(self, server: Server, direction: Tensor, message: Change, share: Tensor) -> Gathered:
        """Σ ← Σ + the change, from 0 after a step; when full, d ← (1 - α) d + α Σ/N."""
        memory: Gathered = server.memory
        goes_on = 1 - memory.full
        total = goes_on * memory.total + direction
        inverse = goes_on * memory.inverse + message.inverse
        seen = goes_on * memory.seen + torch.where(message.inverse > 0, 1, 0)
        known = seen * share > 1 - ROUNDING
        enough = self.gathered * share * share * inverse < 1 + ROUNDING
        full = torch.where(known & enough, 1.0, 0.0).to(total.dtype)
        following = (1 - self.alpha) * memory.mean + self.alpha * total * share
        mean = torch.where(full > 0, following, memory.mean)
        return Gathered(mean, total, inverse, seen, full, memory.step + full)

    def ready(self, memory: Gathered) -> Tensor:
        """Whether it has enough."""
        return memory.full > 0
