"""Taxi: fetch a passenger and bring them to their destination; every agent steers differently."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gymnasium.envs.toy_text import TaxiEnv

from fedrl.envs.finite.tables import TableFamily


@dataclass(frozen=True)
class Taxi(TableFamily):
    """Gymnasium's taxi: -1 a step, -10 for a wrong pick-up or drop-off, +20 for the right one.

    500 states: place of the taxi, where the passenger is, where they want to go. Only moves slip;
    picking up and dropping off do what they say.
    """

    summary: ClassVar[str] = "Fetch and deliver a passenger; every agent slips differently"
    source: ClassVar[str] = "Gymnasium Taxi-v4, its table env.P; Dietterich, JAIR 2000"
    gymnasium_id: ClassVar[str] = "FedRL/Taxi-v0"
    states: ClassVar[int] = 500
    actions: ClassVar[int] = 6
    sides: ClassVar[dict[int, tuple[int, int]]] = {  # 0 south, 1 north, 2 east, 3 west
        0: (3, 2), 1: (2, 3), 2: (0, 1), 3: (1, 0),
    }  # fmt: skip

    def table(self) -> Any:
        return TaxiEnv()

    def text(self, cell: int) -> str:
        """Gymnasium's map: letters are stops, `|` walls; where the taxi, passenger and goal are."""
        environment = self.table()
        row, column, passenger, destination = environment.decode(cell)
        rows = environment.desc.astype(str).tolist()
        rows[1 + row][2 * column + 1] = "A"
        stops = ["R", "G", "Y", "B"]
        waits = "in the taxi" if passenger == 4 else f"at {stops[passenger]}"
        lines = ["".join(line) for line in rows]
        return "\n".join([*lines, f"passenger {waits}, wants to {stops[destination]}"])
