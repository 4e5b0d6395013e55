"""The text of a study: which file it is, how it is read, and values set from outside of it."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from fedrl.benchmark.config import limits
from fedrl.benchmark.config.settings import SettingError, parse_value
from fedrl.benchmark.config.storable import unstorable
from fedrl.envs.validation import nearest


class StudyError(ValueError):
    """A study that cannot be run as written; the message is one line."""


class UntunedStudyError(StudyError):
    """A study that has to be tuned before it can be run."""


def built_in() -> list[str]:
    """Names of the studies that come with the package.

    >>> "quick" in built_in()
    True
    """
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("fedrl.benchmark").joinpath("studies").iterdir()
        if entry.name.endswith(".toml")
    )


def read_table(name_or_path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A study that is known to be valid, as its file has it."""
    table = tomllib.loads(read_text(str(name_or_path))[1])
    for change in overrides:
        override(table, change)
    return table


def read_text(name_or_path: str) -> tuple[str, str]:
    """Name and text of a study; StudyError says why it cannot be read."""
    path = Path(name_or_path)
    if name_or_path in built_in():
        resource = files("fedrl.benchmark").joinpath("studies", f"{name_or_path}.toml")
        return name_or_path, resource.read_text(encoding="utf-8")
    if path.suffix != ".toml" and not path.exists():
        message = nearest("study", name_or_path, built_in())
        raise StudyError(f"{message}. A study of your own is given as a path to a .toml file")
    if reason := unstorable(path.stem):
        raise StudyError(
            f"{name_or_path} would be stored in a folder {path.stem!r}; the name of its file "
            f"{reason}"
        )
    if path.stem != path.stem.encode(errors="replace").decode():
        raise StudyError(f"cannot read study {name_or_path!r}: its name is not UTF-8 text")
    try:
        if path.exists() and not path.is_file():
            raise StudyError(f"cannot read study {name_or_path}: it is not a plain file")
        if path.stat().st_size > limits.STUDY_BYTES:
            most = f"{limits.STUDY_BYTES / 1e6:g} MB"
            raise StudyError(f"cannot read study {name_or_path}: it is larger than {most}")
        return path.stem, path.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot read study {name_or_path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"cannot read study {name_or_path}: it is not UTF-8 text") from None


def override(table: dict[str, Any], change: str) -> None:
    """Set one value in place; tables on the way are made."""
    path, equals, text = change.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise SettingError(
            f"--set {change} is not of the form path=value, for example settings.agents=10"
        )
    for place, key in enumerate(keys[:-1]):
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise SettingError(f"--set {change}: {'.'.join(keys[: place + 1])} is not a table")
    table[keys[-1]] = parse_value(text)
