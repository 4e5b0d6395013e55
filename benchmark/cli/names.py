"""Names of studies, families and algorithms, read from files: nothing is imported for them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

PACKAGES = Path(__file__).parents[2]
REGISTRIES = {  # kind: file, name of its literal dict, group of entry points
    "family": ("envs/__init__.py", "FAMILIES", "fedrl.families"),
    "algorithm": ("algorithms/__init__.py", "ALGORITHMS", "fedrl.algorithms"),
    "mirror": ("benchmark/publishing/mirrors.py", "MIRRORS", ""),
    "executor": ("benchmark/execution/executors.py", "EXECUTORS", "fedrl.executors"),
}


def names(kind: str) -> list[str]:
    """Every known name, built-in ones first."""
    if kind == "study":
        return sorted(path.stem for path in (PACKAGES / "benchmark" / "studies").glob("*.toml"))
    if kind == "published study":
        found = (PACKAGES / "reports" / "published").glob("*/provenance.json")
        return sorted(path.parent.name for path in found)
    file, registry, group = REGISTRIES[kind]
    literal = next(
        value for name, value in _assigned(_body(file)) if name == registry and value is not None
    )
    assert isinstance(literal, ast.Dict)
    keys = [ast.literal_eval(key) for key in literal.keys if key is not None]
    return keys + [point.name for point in entry_points(group=group) if group]


def entry_points(group: str) -> EntryPoints:
    """What other packages add; a help page and most answers come without what finds it."""
    from importlib.metadata import entry_points as found

    return found(group=group)


def between_commas(text: str) -> list[str]:
    """The words of A, B, C; an empty one is none."""
    return [word.strip() for word in text.split(",") if word.strip()]


def told(study: str) -> Mapping[str, Any]:
    """A study as its file has it; nothing where there is none that can be read."""
    for path in (PACKAGES / "benchmark" / "studies" / f"{study}.toml", Path(study)):
        with suppress(OSError, ValueError, RecursionError):  # loading it says what is wrong
            if path.is_file():
                return tomllib.loads(path.read_text("utf-8"))
    return {}


def fields(file: str, owner: str) -> list[str]:
    """Names of the fields that a class declares."""
    classes = (node for node in _body(file) if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == owner)
    return [name for name, _ in _assigned(body) if not name.startswith("_")]


@cache
def settings() -> tuple[list[str], set[str]]:
    """Settings of a configuration, and every word that may name one there or in a built-in entry.

    Lines of classes that declare something, whatever it is: fields of families and algorithms are
    among them.
    """
    own = [
        name
        for name in fields("benchmark/config/configuration.py", "Config")
        if name not in ("model_config", "options", "hyperparameters")
    ]
    files = [file for place in ("algorithms", "envs") for file in (PACKAGES / place).rglob("*.py")]
    declared = (re.findall(r"^    (\w+): ", file.read_text("utf-8"), re.M) for file in files)
    return own, {*own, *chain.from_iterable(declared)}


def _body(file: str) -> list[ast.stmt]:
    return ast.parse((PACKAGES / file).read_text("utf-8")).body


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    for node in body:
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node.value
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), node.value
