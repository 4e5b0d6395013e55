"""Files of tuned values: <folder>/FAMILY/ALGORITHM.toml, one entry per κ, N and setting.

A file holds what a study needs to use the values and what a reader needs to judge them: scores,
cost of all trials in environment steps, every trial, the search space, what it was tuned for.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.storable import stored_as

FORMAT = 1


Number = Annotated[int | float, Field(allow_inf_nan=False)]
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]


class _Table(BaseModel):
    """A table of a file: what a program does not know stays in it."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class Range(_Table):
    """One dimension of the space that was searched, as its `Parameter` has it."""

    name: str
    low: Number
    high: Number
    log: bool


class Repeat(_Table):
    """The winner of one tuner."""

    tuner: int
    score: float
    interval: Interval
    values: dict[str, Number]


class Entry(_Table):
    """Tuned values of one κ, N and setting, in the order of a file."""

    kappa: Number
    agents: int
    values: dict[str, Number]
    study: str
    fedrl: str
    problem: str
    code: dict[str, Any] = {}  # that they were tuned under; empty where it was not recorded
    options: dict[str, Any]
    settings: dict[str, Any]
    score: float
    interval: Interval
    diverged: int
    select_seeds: int
    tune_seeds: Any = None
    budget: int
    steps: int
    space: list[Range]
    edges: list[str] | None = None  # None in a file of before ranges had units
    columns: list[str]
    trials: list[list[Any]]
    finalists: Any = None
    of: Any = None  # the contained algorithm whose winner they are
    repeats: list[Repeat] = []

    @property
    def key(self) -> tuple[Any, ...]:
        """Entries with equal keys replace each other."""
        return self.kappa, self.agents, repr(self.options), repr(self.settings), self.budget

    @property
    def edited(self) -> bool:
        """Whether no trial of the file has the values: somebody wrote them by hand.

        Values that came from another file ("of") need no trial.
        """
        if "of" in self.model_fields_set:
            return False
        try:
            places = {name: self.columns.index(name) for name in self.values}
            tried = [{n: row[at] for n, at in places.items()} for row in self.trials]
        except (ValueError, IndexError):
            return True
        return self.values not in tried


Content = tuple[tuple[str, str], tuple[Entry, ...]]  # of a file: its pair, its entries


def path_of(folder: Path, family: str, algorithm: str) -> Path:
    """Where the values of a pair are."""
    return folder / stored_as(family) / f"{stored_as(algorithm)}.toml"


def pair_of(path: Path) -> tuple[str, str]:
    """Family and algorithm of a file; SettingError if it is not one."""
    return _content(path)[0]


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            raise SettingError(f"cannot read {path}: it is not a plain file")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingError(f"{path} is no file of tuned values: {error}") from None
    if table.get("format") != FORMAT:
        raise SettingError(
            f"{path} has the format {table.get('format')!r}; this version reads {FORMAT}: "
            "make it again with `fedrl tune`"
        )
    family, algorithm = (str(table.get(name)) for name in ("family", "algorithm"))
    right = path_of(path.parent.parent, family, algorithm)
    if right != path:
        raise SettingError(
            f"{path} holds values of {family} / {algorithm}; its name must be "
            f"{right.parent.name}/{right.name}"
        )
    return table


def read(path: Path) -> list[Entry]:
    """The entries of a file; SettingError if it is not one."""
    return list(_content(path)[1])


def _content(path: Path) -> Content:
    try:
        found = path.stat()
    except OSError:
        return _read.__wrapped__(path, ())  # which says what is wrong
    return _read(path, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=64)  # every configuration of a study asks, and parsing takes .1 s
def _read(path: Path, state: tuple[int, ...]) -> Content:
    table = _table(path)
    written = table.get("tuned")
    if not isinstance(written, list):
        raise SettingError(f"{path} has no [[tuned]]: make it again with `fedrl tune`")
    try:
        return (table["family"], table["algorithm"]), tuple(map(Entry.model_validate, written))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "an entry"
        lacks = first["type"] == "missing"
        reason = f"lacks {place!r}" if lacks else f"is damaged: {place}: {first['msg']}"
        raise SettingError(f"{path} {reason}: make it again with `fedrl tune`") from None
