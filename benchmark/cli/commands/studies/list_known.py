"""`fedrl list`: what can be combined."""

import json
import tomllib
from hashlib import blake2b
from typing import Annotated, Any

import typer

from fedrl.benchmark.cli import names
from fedrl.benchmark.cli.options import Json

# What a table shows of each kind of entry, and under which heading; --json has everything.
SHOWN = {
    "families": {
        "name": "family",
        "mdp": "MDP of an agent",
        "horizon": "T",
        "discount": "γ",
        "knobs": "differs between agents",
        "reference": "measured against",
    },
    "algorithms": {
        "name": "algorithm",
        "kind": "method",
        "samples": "episodes",
        "floats_up": "up",
        "floats_down": "down",
        "ranges": "tunable",
        "reference": "reference",
    },
    "studies": {"name": "study", "title": "title", "cells": "cells", "runs": "runs"},
}

LEGEND = {
    "algorithms": "Per agent and round: K steps, B episodes a batch, B₀ a snapshot, d parameters."
}


def list_known(
    what: Annotated[
        str, typer.Argument(metavar="families|algorithms|studies", help="What to list.")
    ],
    as_json: Json = False,
) -> None:
    """List environment families, algorithms or built-in studies that can be combined.

    Examples:

      fedrl list families

      fedrl list algorithms --json
    """
    from fedrl.benchmark.cli import answers, known
    from fedrl.benchmark.cli.remembered import remembered

    if what not in SHOWN:
        raise known.UnknownName(known.nearest("list", what, SHOWN))
    entries = remembered(what, lambda: _made(what))
    if as_json:
        answers.print_json(entries)
    else:
        rows = [[_text(entry[name]) for name in SHOWN[what]] for entry in entries]
        headings = tuple(SHOWN[what].values())
        answers.print_table(headings, rows, whole=headings[:1])
        if what in LEGEND:
            print(LEGEND[what])


def _made(what: str) -> Any:
    """The entries, from classes and studies themselves, as JSON has them."""
    if what == "studies" and (entries := counted_studies()) is not None:
        return entries
    from fedrl.benchmark.inspection import catalogue

    return json.loads(json.dumps(catalogue.LISTS[what]()))


def counted_studies() -> list[dict[str, Any]] | None:
    """Built-in studies with sizes that were counted before; None if a file has changed since.

    To count them takes seconds: every configuration of every study is made and validated.
    """
    folder = names.PACKAGES / "benchmark" / "studies"
    kept = json.loads((folder / "sizes.json").read_text("utf-8"))
    found = []
    for name in names.names("study"):
        text = (folder / f"{name}.toml").read_bytes()
        size = dict(kept.get(name, {}))
        if size.pop("digest", "") != blake2b(text, digest_size=8).hexdigest():
            return None
        told = tomllib.loads(text.decode())
        words = {"title": told["title"], "summary": told.get("description", "")}
        found.append({"name": name, **words, **size})
    return found


def _text(value: Any) -> str:
    """Write a value; of a mapping the names, each with its value unless that is a table."""
    if isinstance(value, dict):
        return ", ".join(
            name if isinstance(one, dict) else f"{name} {one}" for name, one in value.items()
        )
    return "" if value is None else str(value)
