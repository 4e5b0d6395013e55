"""CliffWalking: the shortest way runs along a cliff; agents slip towards or away from it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gymnasium.envs.toy_text import CliffWalkingEnv

from fedrl.envs.finite.maps import drawn
from fedrl.envs.finite.tables import TableFamily


@dataclass(frozen=True)
class CliffWalking(TableFamily):
    """Gymnasium's 4 × 12 cliff: -1 a step, -100 and back to the start for a fall."""

    summary: ClassVar[str] = "Walk along a cliff; every agent slips differently"
    source: ClassVar[str] = "Gymnasium CliffWalking-v1, its table env.P; Sutton & Barto, ex. 6.6"
    gymnasium_id: ClassVar[str] = "FedRL/CliffWalking-v0"
    states: ClassVar[int] = 48
    actions: ClassVar[int] = 4
    sides: ClassVar[dict[int, tuple[int, int]]] = {  # 0 up, 1 right, 2 down, 3 left
        0: (1, 3), 1: (2, 0), 2: (3, 1), 3: (0, 2),
    }  # fmt: skip

    horizon: int = 100
    slippery: bool = False  # Gymnasium's own slipping, the same for all agents

    def table(self) -> Any:
        return CliffWalkingEnv(is_slippery=self.slippery)

    def text(self, cell: int) -> str:
        """The map with the agent (A), the goal (G), the cliff (C) and free cells (.)."""
        return drawn([["."] * 12] * 3 + [[".", *"CCCCCCCCCC", "G"]], cell)
