"""What there is: families, algorithms, studies, versions; for `fedrl list` and `fedrl info`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmark import registry
from benchmark.provenance import code_digest, folder, machine, versions
from benchmark.settings import SettingError
from benchmark.study import DEFAULT_RESULTS, built_in, load_study
from envs.family import nearest

Entry = dict[str, Any]


LONG = ("knobs", "options", "gymnasium_id", "metric")  # left to --json


def list_entries(what: str) -> list[Entry]:
    """Entries of one kind; SettingError for an unknown kind."""
    if what not in LISTS:
        raise SettingError(nearest("list", what, LISTS))
    return LISTS[what]()


def families() -> list[Entry]:
    """Environment families with their options and knobs."""
    return [
        {
            "name": name,
            "summary": family.summary,
            "heterogeneity": family.heterogeneity,
            "metric": family.metric,
            "options": _defaults(family),
            "knobs": {
                knob: {"stock": k.stock, "low": k.low, "high": k.high, "unit": k.unit}
                for knob, k in family.knobs.items()
            },
            "gymnasium_id": family.gymnasium_id,
            "source": family.source,
        }
        for name, family in registry.families().items()
    ]


def algorithms() -> list[Entry]:
    """Algorithms with their hyperparameters."""
    return [
        {
            "name": name,
            "summary": (inspect.getdoc(algorithm) or "").split("\n")[0],
            "hyperparameters": _defaults(algorithm),
            "reference": algorithm.reference,
        }
        for name, algorithm in registry.algorithms().items()
    ]


def studies() -> list[Entry]:
    """Built-in studies with their size."""
    found = []
    for name in built_in():
        study = load_study(name)
        size = {"cells": len(study.cells()), "runs": len(study.runs())}
        found.append({"name": name, "title": study.title, "summary": study.description, **size})
    return found


LISTS: dict[str, Callable[[], list[Entry]]] = {
    "families": families,
    "algorithms": algorithms,
    "studies": studies,
}


def information() -> dict[str, Entry]:
    """Versions, machine, places and the digest of the code that decides numbers."""
    return {
        "versions": versions(),
        "machine": machine(),
        "places": {
            "package": str(folder("benchmark")),
            "studies": str(folder("benchmark") / "studies"),
            "results": str(Path(DEFAULT_RESULTS).resolve()),
        },
        "code": {"digest": code_digest()},
    }


def print_information(answer: dict[str, Entry]) -> None:
    """One fact per line."""
    for section, facts in answer.items():
        print(section)
        for name, value in facts.items():
            print(f"  {name:14}{value}")


def print_entries(entries: list[Entry]) -> None:
    """A table of what fits on a line; --json has the rest."""
    columns = [name for name in entries[0] if name not in LONG]
    table = Table(*columns, box=box.SIMPLE)
    for entry in entries:
        table.add_row(*(escape(_text(entry[name])) for name in columns))
    Console().print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={default}" for name, default in value.items() if name != "vary")
    return str(value)


def _defaults(entry: Any) -> Entry:
    return {f.name: f.default for f in fields(entry) if f.default is not MISSING}
