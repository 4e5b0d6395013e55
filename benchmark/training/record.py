"""The output of a run: rows while it trains, a state to resume from, a result at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Run
from fedrl.envs.family import Array


class RunResult(NamedTuple):
    """The output of one run; `columns` is a function of the run alone, `seconds` is not."""

    run: Run
    columns: dict[str, Array]  # one entry per evaluation point
    seconds: Array  # wall seconds of training so far, the batch's shared equally by its active runs
    parameters: Array  # (F, p), the policy's θ at the end; not finite if the run diverged


class RunState(NamedTuple):
    """Everything a run needs to go on, bit for bit, from the end of a round.

    There is no generator state: all random numbers are functions of the seed and the round. A run
    has F federations, one unless its algorithm does not communicate; d parameters.
    """

    round: int  # rounds done
    finished: bool  # nothing is left to do but to report
    theta: Array  # (F, d), θ_r; of a finished run, what it leaves behind
    previous: Array  # (F, d), θ_{r-1}
    momentum: Array  # (F, d), u_r
    memory: dict[str, Array]  # (F, …) each: the server's, the agents', their baselines
    ledger: Array  # (6, F): the fields of a `Ledger`
    clock: float  # seconds of training so far
    diverged_round: float  # NaN if it has not diverged
    rows: dict[str, Array]  # the evaluation points so far
    seconds: Array  # the clock at each of them


@dataclass
class Record:
    """The growing record of one run."""

    run: Run
    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    clock: float = 0.0
    diverged_round: float = np.nan
    parameters: Array | None = None  # (F, d), once the run trains no more

    @classmethod
    def resumed(cls, run: Run, state: RunState) -> Record:
        """The record as it was when `state` was taken."""
        names = list(state.rows)
        points = zip(*state.rows.values(), strict=True)
        rows = [dict(zip(names, point, strict=True)) for point in points]
        parameters = state.theta if state.finished else None
        seconds = state.seconds.tolist()
        return cls(run, rows, seconds, state.clock, state.diverged_round, parameters)

    def point(self, row: dict[str, float]) -> None:
        """Add an evaluation point."""
        self.rows.append(row)
        self.seconds.append(self.clock)

    def columns(self) -> dict[str, Array]:
        """The rows as one array per quantity."""
        names = self.rows[0] if self.rows else {}
        return {name: np.array([row[name] for row in self.rows]) for name in names}

    def result(self, constants: dict[str, Any]) -> RunResult:
        """The finished run; `constants` are repeated on every row."""
        assert self.parameters is not None
        constants = constants | {
            "diverged": not np.isnan(self.diverged_round),
            "diverged_round": float(self.diverged_round),
        }
        count = len(self.rows)
        repeated = {name: np.full(count, value) for name, value in constants.items()}
        columns = self.columns() | repeated
        return RunResult(self.run, columns, np.array(self.seconds), self.parameters)
