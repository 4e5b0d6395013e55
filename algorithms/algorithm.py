"""The contract of a federated policy-gradient algorithm, written for one agent of one run.

A round: the server broadcasts `Server`; each agent takes K local steps θ ← θ + η u, with u from
`direction`; the server forms u_{r+1} = (1/(ηNK)) Σ_i (θ_{r,K}^i - θ_r), the mean local direction,
and sets θ_{r+1} = θ_r + λ u_{r+1}. Nothing here knows about runs (S) or agents (N): the federated
loop lifts `points` and `direction` over both with vmap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from algorithms.gradients import Gradients
from algorithms.trajectory import Trajectories


class Server(NamedTuple):
    """What the server broadcasts once per round."""

    theta: Tensor  # (d,), θ_r
    previous: Tensor  # (d,), θ_{r-1}; θ_0 in the first round
    momentum: Tensor  # (d,), u_r, the mean local direction of the round before; u_0 in the first


def tunable(
    default: float, *, low: float, high: float, domain: tuple[float, float], meaning: str
) -> Any:
    """A continuous hyperparameter: default, range worth searching, range allowed, meaning."""
    details = {"low": low, "high": high, "domain": domain, "meaning": meaning}
    return field(default=default, metadata=details)


@dataclass(frozen=True)
class Algorithm(ABC):
    """Hyperparameters of an algorithm (its fields) and what it computes.

    Subclasses are frozen dataclasses; `beta` and the like may be 0-d tensors while a batch of runs
    is lifted, so they must enter formulas only, never a branch.
    """

    reference: ClassVar[str]  # where the algorithm is defined
    batches: ClassVar[int] = 1  # trajectory batches of B episodes sampled per local step
    anchored: ClassVar[bool] = False  # uses u_r: it is broadcast, and u_0 must be chosen
    federated: ClassVar[bool] = True  # False: every agent is a federation of its own
    synchronous: ClassVar[bool] = False  # True: the server averages after every local step

    def __post_init__(self) -> None:
        for parameter in fields(self):
            if "domain" in parameter.metadata:
                low, high = parameter.metadata["domain"]
                value = getattr(self, parameter.name)
                if not low <= value <= high:
                    raise ValueError(
                        f"{parameter.name} is {value!r}; it must be in [{low:g}, {high:g}]"
                    )

    def points(self, server: Server, theta: Tensor, alpha: Tensor) -> tuple[Tensor, ...]:
        """Parameters (d,) at which each of the `batches` is sampled; alpha ~ U[0, 1] is 0-d."""
        return (theta,)

    @abstractmethod
    def direction(
        self, gradients: Gradients, server: Server, theta: Tensor, *batches: Trajectories
    ) -> Tensor:
        """The local direction u (d,), an ascent direction on J."""
