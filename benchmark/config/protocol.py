"""How a study is tuned: its table [tuning], with the suite's choices as defaults."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import SettingError, explain
from fedrl.envs.validation import nearest

Range = tuple[float, float]


class Protocol(BaseModel):
    """Trials, seeds and what is searched. Every algorithm gets the same of all of it.

    A wave is proposed from the trials before it and computed as one batch; the first wave has
    twice the size and is quasi-random. Tuner t has tune and select seeds of its own, so that
    repeating the whole tuning shows what luck it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: Annotated[int, Field(ge=1)] = 32  # per family, κ, N and algorithm
    wave: Annotated[int, Field(ge=1)] = 8  # trials that are proposed together
    seeds: Annotated[int, Field(ge=3)] = 3  # tune seeds of every trial
    finalists: Annotated[int, Field(ge=1)] = 5  # best trials that meet the select seeds
    select_seeds: Annotated[int, Field(ge=3)] = 10
    tune: tuple[str, ...] | None = None  # None: step_size and the algorithm's own
    ranges: dict[str, Range] = {}  # instead of those derived from the study and the algorithm

    def waves(self) -> list[int]:
        """Sizes of the waves: twice a wave, then waves, then the rest."""
        sizes = [min(2 * self.wave, self.trials)]
        while sum(sizes) < self.trials:
            sizes.append(min(self.wave, self.trials - sum(sizes)))
        return sizes

    def tune_seeds(self, tuner: int) -> list[Seed]:
        return [Seed("tune", tuner * self.seeds + place) for place in range(self.seeds)]

    def selection_seeds(self, tuner: int) -> list[Seed]:
        first = tuner * self.select_seeds
        return [Seed("select", first + place) for place in range(self.select_seeds)]


def protocol_of(table: dict[str, Any], trials: int | None = None) -> Protocol:
    """The protocol in a study's table; SettingError says what is wrong in one line."""
    for key in table:
        if key not in Protocol.model_fields:
            raise SettingError(nearest("key of [tuning]", key, Protocol.model_fields))
    try:
        protocol = Protocol(**(table | ({} if trials is None else {"trials": trials})))
    except ValidationError as error:
        raise SettingError(f"tuning.{explain(error)}") from None
    if protocol.trials < protocol.wave:
        raise SettingError(
            f"{protocol.trials} trials are fewer than one wave of {protocol.wave}; give at least "
            f"--trials {protocol.wave}, or set tuning.wave={protocol.trials}"
        )
    return protocol
