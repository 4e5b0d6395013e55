"""Who acts together: the lanes of one call of the engine, and the random numbers they read.

A lane is one agent of one federation. G federations with n lanes each give L = G·n lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.rollout import Sampler
from fedrl.envs.family import Array, Task


class Lanes(NamedTuple):
    """L = G·n lanes."""

    sampler: Sampler
    federation: Array  # (L,), 0..G-1
    agents: Array  # (L,), the agent's number within its run; N is the server itself
    rows: Array  # (L,), its place among all G·N agents; of the server, its federation
    each: int  # n

    @property
    def pick(self) -> Tensor:
        """`rows` for indexing tensors."""
        return torch.from_numpy(self.rows)


def chosen(task: Task, rows: Array) -> Task:
    """The tasks of these rows."""
    return type(task)(*(np.ascontiguousarray(field[rows]) for field in task))


def joined(tasks: list[Task]) -> Task:
    """Tasks of several runs behind each other."""
    return type(tasks[0])(*(np.concatenate(field) for field in zip(*tasks, strict=True)))


def participants(keys: Array, agents: int, count: int, number: int) -> Array:
    """The `count` agents of every run that take part in round `number`, in order: (S, count).

    Every agent has a uniform number of its own for every round; the smallest take part.
    """
    lanes = np.tile(np.arange(agents), len(keys))
    out = np.empty((len(lanes), 1))
    uniform_lanes(out, np.repeat(keys, agents), lanes, number, 1, 0)
    order = np.argsort(out.reshape(len(keys), agents), axis=1, kind="stable")
    return np.sort(order[:, :count], axis=1)
