"""FedNIGT: normalised momentum at the server, agents sample at an extrapolated point."""

from dataclasses import dataclass
from typing import ClassVar

from fedrl.algorithms.transport import Transport


@dataclass(frozen=True)
class FedNIGT(Transport):
    """d ← (1 - α) d + α u_{r+1}, θ_{r+1} = θ_r + λ d / ‖d‖: implicit gradient transport.

    Agents sample at θ + (1 - α)/α (θ_r - θ_{r-1}), where a gradient that is linear in θ makes up
    for the age of d. They need that point alone: one vector goes down.
    """

    reference: ClassVar[str] = "Cutkosky & Mehta, ICML 2020, NIGT, with the mean over agents"
    kind: ClassVar[str] = "normalised momentum"
