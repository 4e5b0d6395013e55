"""Settings of a study: names, the shape of their values, and errors in one line."""

import re
import tomllib
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from fedrl.benchmark.config.conditions import explain as explain
from fedrl.benchmark.config.configuration import Config
from fedrl.envs.validation import nearest

# Of a configuration, set by a study.
STRUCTURE = ("family", "algorithm", "options", "hyperparameters")


class SettingError(ValueError):
    """A value that cannot be used, and where it stands."""


@contextmanager
def explained(refused: type[ValueError] = SettingError, before: str = "") -> Iterator[None]:
    """`refused` where pydantic refuses something within the block: one line, after `before`."""
    try:
        yield
    except ValidationError as error:
        raise refused(f"{before}{explain(error)}") from None


def located(error: BaseException) -> str:
    """Kind, place and message of an error, in one line: ValueError at file.py:12: no message."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    message = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {message}"


def check_known(kind: str, names: Iterable[str], known: Collection[str], place: str = "") -> None:
    """SettingError, which begins with the place, for the first of the names that is not known."""
    for name in names:
        if name not in known:
            raise SettingError(f"{place}{nearest(kind, name, known)}")


@cache
def config_fields() -> tuple[str, ...]:
    """Fields of a configuration that a study may set by name."""
    return tuple(name for name in Config.model_fields if name not in STRUCTURE)


@cache
def depth_of(owner: type, name: str) -> int:
    """How deep the lists of one value are: 0 for a number, 1 for `hidden`, 2 for `walls`."""
    return _depth_of_type(get_type_hints(owner)[name])


def alternatives(owner: type, name: str, value: Any) -> list[Any]:
    """The values to cross: a list is several values where it is deeper than one value."""
    if isinstance(value, list) and _depth(value) > depth_of(owner, name):
        once = {repr(entry): entry for entry in value}.values()
        return [None if entry == "none" else entry for entry in once]
    return [None if value == "none" else value]


def parse_value(text: str) -> Any:
    """A TOML value; a bare word is a string, also a path such as package:Name-v0."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError:
        raise SettingError(f"{text[:20]}... is nested too deeply; write it flatter") from None
    except (ValueError, KeyError):  # also dates and digits that Python refuses
        word = text.strip()
        if not re.fullmatch(r"[A-Za-z0-9_.+@:/-]+", word):
            raise SettingError(
                f"{word!r} is not a TOML value, such as 0.5, true, [1, 2] or a word"
            ) from None
        return word


def words(table: Mapping[str, Any]) -> str:
    """A table as a few words: `student-t degrees 2.5 scale 0.5`, words first."""
    texts = [value for value in table.values() if isinstance(value, str)]
    numbers = {name: value for name, value in table.items() if not isinstance(value, str)}
    return " ".join([*texts, *(f"{name} {_number(numbers[name])}" for name in sorted(numbers))])


def _number(value: Any) -> str:
    """1 and 1.0 are one value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{float(value):.15g}"
    return str(value)


def _depth(value: Any) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _depth_of_type(hint: Any) -> int:
    inner = max(map(_depth_of_type, get_args(hint)), default=0)
    return inner + (get_origin(hint) in (tuple, list))
