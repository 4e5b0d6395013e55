"""A local step as others see it: diagnostics, laws, anybody who observes a round."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from fedrl.benchmark.training.rollout import Episodes
from fedrl.envs.family import Array


class Step(NamedTuple):
    """One local step of the L lanes that step."""

    draw: int  # which local step of the run, from 0
    theta: Tensor  # (L, d), θ_{r,k}
    direction: Tensor  # (L, d), u_{r,k}
    played: tuple[Episodes, ...]  # of each of the algorithm's batches; () with exact gradients
    log_weights: list[Array]  # (L, B) each, log importance weights, uncapped
    following: Tensor  # (L, d), θ_{r,k+1}


Observer = Callable[[Step], None]
