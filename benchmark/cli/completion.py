"""What a shell offers for a word that is begun, found without importing what computes.

`fedrl --install-completion` teaches it to the shell; what stands here names the candidates.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from fedrl.benchmark.cli.names import names, told

FIELDS = ("family", "algorithm", "kappa", "agents", "seed")  # of `--only`, apart from settings


def studies(incomplete: str) -> list[str]:
    """Built-in studies; files of the user's."""
    return _beginning(incomplete, [*names("study"), *_files(incomplete, ".toml")])


def of(kind: str) -> Callable[[str], list[str]]:
    """What offers the known names of a kind, such as families."""

    def offered(incomplete: str) -> list[str]:
        return _beginning(incomplete, names(kind))

    return offered


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """Stored runs, CELL/seed-00003, of the folder of results that is named."""
    root = Path(context.params.get("results") or "results")
    files = (path for path in root.glob("*/*/seed-*.parquet") if "." not in path.stem)
    stored = (f"{path.parent.name}/{path.stem}" for path in files)
    return _beginning(incomplete, [*sorted(stored), *_files(incomplete, ".parquet")])


def conditions(context: typer.Context, incomplete: str) -> list[str]:
    """FIELD=VALUE of `--only`: the fields of the study, then the values they have."""
    table = _study(context)
    tables = [table.get("settings", {})]
    tables += [own for part in ("families", "algorithms") for own in table.get(part, {}).values()]
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    for part, field in (("families", "family"), ("algorithms", "algorithm")):
        found[field] = list(table.get(part, {}))
    for own in tables:
        for name, value in own.items():
            if not isinstance(value, Mapping):
                values = value if isinstance(value, list) else [value]
                found.setdefault(name, []).extend(str(each) for each in values)
    return _assignments(incomplete, found)


def overrides(context: typer.Context, incomplete: str) -> list[str]:
    """PATH=VALUE of `--set`: every path of the study's file, with its value now."""
    return _assignments(incomplete, {path: [value] for path, value in _paths(_study(context))})


def _study(context: typer.Context) -> Mapping[str, Any]:
    """The study of the command line as its file has it; nothing where there is none."""
    # What follows an option that waits for its value is not parsed, and stands in `args`
    words = (context.params.get("study"), *context.args)
    return next(filter(None, (told(str(word)) for word in words)), {})


def _paths(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{above}{name}.")
        elif above or name not in ("title", "description"):
            yield f"{above}{name}", str(value).replace("'", '"')


def _assignments(incomplete: str, found: Mapping[str, list[str]]) -> list[str]:
    field, equals, _ = incomplete.partition("=")
    if not equals:
        return _beginning(incomplete, [f"{name}=" for name in found])
    values = dict.fromkeys(found.get(field, ()))
    return _beginning(incomplete, [f"{field}={value}" for value in values])


def _files(incomplete: str, ending: str) -> list[str]:
    """Files with that ending, and folders, whose path begins so."""
    begun = Path(incomplete)
    place = begun if incomplete.endswith("/") else begun.parent
    with suppress(OSError):
        near = sorted(path for path in place.iterdir() if not path.name.startswith("."))
        return [
            f"{path}/" if path.is_dir() else str(path)
            for path in near
            if path.is_dir() or path.suffix == ending
        ]
    return []


def _beginning(incomplete: str, words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
