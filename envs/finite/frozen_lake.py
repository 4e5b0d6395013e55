"""FrozenLake: cross the ice without falling into a hole; every agent's ice drifts differently."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gymnasium.envs.toy_text import FrozenLakeEnv

from fedrl.envs.finite.maps import drawn
from fedrl.envs.finite.tables import TableFamily


@dataclass(frozen=True)
class FrozenLake(TableFamily):
    """Gymnasium's lake: reward 1 on reaching the goal, which ends the episode as holes do."""

    summary: ClassVar[str] = "Cross a frozen lake with holes; every agent slips differently"
    source: ClassVar[str] = "Gymnasium FrozenLake-v1, its table env.P"
    gymnasium_id: ClassVar[str] = "FedRL/FrozenLake-v0"
    actions: ClassVar[int] = 4
    sides: ClassVar[dict[int, tuple[int, int]]] = {  # 0 left, 1 down, 2 right, 3 up
        0: (3, 1), 1: (0, 2), 2: (1, 3), 3: (2, 0),
    }  # fmt: skip

    horizon: int = 100
    lake: Literal["4x4", "8x8"] = "4x4"  # Gymnasium's maps
    slippery: bool = True  # Gymnasium's own slipping, the same for all agents

    @property
    def states(self) -> int:
        return {"4x4": 16, "8x8": 64}[self.lake]

    def table(self) -> Any:
        return FrozenLakeEnv(map_name=self.lake, is_slippery=self.slippery)

    def text(self, cell: int) -> str:
        """The lake with the agent (A), start (S), goal (G), holes (H) and ice (F)."""
        return drawn(self.table().desc.astype(str).tolist(), cell)
