"""How a study is tuned: its table [tuning], with the suite's choices as defaults."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import SettingError, check_known, explain
from fedrl.benchmark.config.spaces.axis import Axis
from fedrl.benchmark.config.spaces.parameter import Space, grid, is_grid

Range = tuple[float, float]
MOST = 10_000  # of trials and of seeds; more are no mistake of typing, but of thinking
ENOUGH = 16  # trials of a hyperparameter; with fewer, one more costs more than it gains


class Protocol(BaseModel):
    """Trials, seeds and what is searched. Every hyperparameter brings the same number of trials.

    A wave is proposed from the trials before it and computed as one batch; the first is
    quasi-random and twice the size where more than one hyperparameter is searched. Where all that
    is searched has levels, every combination is tried, in one wave. Tuner t has tune and select
    seeds of its own, so that repeating the whole tuning shows what luck it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: Annotated[int, Field(ge=1, le=MOST)] = ENOUGH  # per hyperparameter of every task
    wave: Annotated[int, Field(ge=1, le=MOST)] = 8  # trials that are proposed together
    seeds: Annotated[int, Field(ge=3, le=MOST)] = 3  # tune seeds of every trial
    finalists: Annotated[int, Field(ge=1, le=MOST)] = 5  # best trials that meet the select seeds
    select_seeds: Annotated[int, Field(ge=3, le=MOST)] = 20
    tune: tuple[str, ...] | None = None  # None: step_size and the algorithm's own
    ranges: dict[str, Range] = {}  # instead of those derived from the study and the algorithm
    levels: dict[str, Axis] = {}  # the only values to try; multiples, as in a design, if relative

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, axis in self.levels.items():
            axis.check(f"tuning.levels.{name}", "it")
            if name in self.ranges:
                raise ValueError(f"{name} is in tuning.ranges and in tuning.levels; leave one out")
        return self

    def trials_of(self, space: Space) -> int:
        """Trials of one task, a start from what it contains aside."""
        return len(grid(space)) if is_grid(space) else self.trials * len(space)

    def waves(self, space: Space) -> list[int]:
        """Sizes of the waves: the first, then waves, then the rest."""
        trials = self.trials_of(space)
        if is_grid(space):
            return [trials]
        sizes = [min(self.wave * min(2, len(space)), trials)]
        while sum(sizes) < trials:
            sizes.append(min(self.wave, trials - sum(sizes)))
        return sizes

    def tune_seeds(self, tuner: int) -> list[Seed]:
        return [Seed("tune", tuner * self.seeds + place) for place in range(self.seeds)]

    def selection_seeds(self, tuner: int) -> list[Seed]:
        first = tuner * self.select_seeds
        return [Seed("select", first + place) for place in range(self.select_seeds)]


def protocol_of(table: dict[str, Any], trials: int | None = None) -> Protocol:
    """The protocol in a study's table; SettingError says what is wrong in one line."""
    check_known("key of [tuning]", table, Protocol.model_fields)
    try:
        protocol = Protocol(**(table | ({} if trials is None else {"trials": trials})))
    except ValidationError as error:
        told = explain(error)
        raise SettingError(told if told.startswith("tuning.") else f"tuning.{told}") from None
    if protocol.trials < protocol.wave:
        raise SettingError(
            f"{protocol.trials} trials are fewer than one wave of {protocol.wave}; give at least "
            f"--trials {protocol.wave}, or set tuning.wave={protocol.trials}"
        )
    return protocol
