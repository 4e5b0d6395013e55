"""AFedPG: the server steps whenever an agent arrives; agents sample ahead of what it told them."""

from dataclasses import dataclass
from typing import ClassVar

from fedrl.algorithms.transport import Transport


@dataclass(frozen=True)
class AFedPG(Transport):
    """d ← (1 - α) d + α g, θ ← θ + λ d / ‖d‖ on every arrival.

    An agent samples at θ + (1 - α)/α (θ - θ'), θ and θ' the server's last two when the agent was
    told of them: the paper's delay-adaptive lookahead. Its α and λ decay; the reading taken is
    constants. An agent needs that point alone: one vector goes down.
    """

    reference: ClassVar[str] = "Lan, Han, Hashemi, Aggarwal, Brinton, ICLR 2025, Algorithms 1 and 2"
    kind: ClassVar[str] = "asynchronous"
    asynchronous: ClassVar[bool] = True
