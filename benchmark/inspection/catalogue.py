"""Lists of families, algorithms, studies and versions for `fedrl list` and `fedrl info`."""

import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from fedrl.algorithms import ALGORITHMS, Algorithm
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.study import DEFAULT_RESULTS, load_study
from fedrl.benchmark.config.study_file import StudyError, built_in
from fedrl.benchmark.conformance.communication import round_cost
from fedrl.benchmark.storage.code_digest import is_ours
from fedrl.benchmark.storage.provenance import folder, machine, versions
from fedrl.benchmark.storage.run_code import suite_code
from fedrl.envs import FAMILIES
from fedrl.envs.family import CompiledFamily, Family, SimulatedFamily
from fedrl.envs.finite.tabular import Tabular

Entry = dict[str, Any]


def families() -> list[Entry]:
    """Environment families with their spaces, options and knobs."""
    return _described(registry.families(), _family)


def _described(known: Mapping[str, Any], describe: Callable[[str, Any], Entry]) -> list[Entry]:
    """Every entry that can be made; one of another package that cannot is told and left out."""
    found = []
    for name, kind in known.items():
        try:
            found.append(describe(name, kind))
        except Exception as error:
            if is_ours(kind.__module__):
                raise
            told = f"{name} is left out: {type(error).__name__}: {error}"
            warnings.warn(told, registry.EntryPointWarning, stacklevel=2)
    return found


def _family(name: str, kind: type[Family]) -> Entry:
    family = kind()
    sees, acts = space(family.observation_space, "state"), space(family.action_space, "action")
    return {
        "name": name,
        "summary": family.summary,
        "kind": dynamics(kind),
        "observation": sees,
        "action": acts,
        "mdp": f"{dynamics(kind)}: {sees}, {acts}",
        "horizon": family.horizon,
        "discount": family.discount,
        "heterogeneity": family.heterogeneity,
        "metric": family.metric,
        "reference": reference(family),
        "options": _defaults(kind),
        "knobs": {
            knob: {**k._asdict(), "minimum": k.minimum if math.isfinite(k.minimum) else None}
            for knob, k in family.knobs.items()
        },
        "gymnasium_id": family.gymnasium_id,
        "source": family.source,
    }


def dynamics(kind: type[Family]) -> str:
    """How the dynamics are given: as tables, as compiled functions, or by a physics engine."""
    named = {"tabular": Tabular, "compiled": CompiledFamily, "simulated": SimulatedFamily}
    return next((name for name, base in named.items() if issubclass(kind, base)), "other")


def space(space: spaces.Space[Any], thing: str) -> str:
    """A space in words."""
    if isinstance(space, spaces.Discrete):
        return f"{space.n} {thing}s"
    numbers = "number" if thing == "state" else "real action"
    size = math.prod(space.shape or (1,))
    return f"{size} {numbers}{'' if size == 1 else 's'}"


def reference(family: Family) -> str:
    """Describe the reference score of a family; "" if it has none."""
    if isinstance(family, Tabular):
        return "best common policy"  # its value takes a while for large MDPs
    task = family.sample(1, 0.0, np.random.default_rng(0))
    known = family.reference(task)
    return "" if known is None else f"{known.value:g}: {known.meaning}"


def algorithms() -> list[Entry]:
    """Algorithms with what a round costs and their hyperparameters."""
    return _described(registry.algorithms(), _algorithm)


def _algorithm(name: str, kind: type[Algorithm]) -> Entry:
    tunables = {
        name: {"default": parameter.default, **parameter.metadata}
        for name, parameter in kind.tunables().items()
    }
    return {
        "name": name,
        "summary": (inspect.getdoc(kind) or "").split("\n")[0],
        "kind": kind.kind,
        "hyperparameters": _defaults(kind),
        "tunable": tunables,
        "ranges": {
            name: "{default:g} [{low:g}, {high:g}]".format(**details)
            for name, details in tunables.items()
        },
        "reference": kind.reference,
        **round_cost(kind())._asdict(),
    }


def studies() -> list[Entry]:
    """Built-in studies with their size."""
    found = []
    for name in built_in():
        try:
            study = load_study(name)
        except StudyError as error:  # it may need packages that are not installed
            told = {"title": "cannot be loaded here", "summary": str(error)}
            found.append({"name": name, **told, "cells": 0, "runs": 0})
            continue
        size = {"cells": len(study.configs()), "runs": len(study.runs())}
        found.append({"name": name, "title": study.title, "summary": study.description, **size})
    return found


LISTS: dict[str, Callable[[], list[Entry]]] = {
    "families": families,
    "algorithms": algorithms,
    "studies": studies,
}


def information() -> dict[str, Entry]:
    """Versions, machine, places and digests of the code that decides numbers."""
    return {
        "versions": versions(),
        "machine": machine(),
        "places": {
            "package": str(folder("fedrl.benchmark")),
            "studies": str(folder("fedrl.benchmark") / "studies"),
            "results": str(Path(DEFAULT_RESULTS).resolve()),
        },
        "code": suite_code(FAMILIES.values(), ALGORITHMS.values()),
    }


def _defaults(entry: Any) -> Entry:
    return {f.name: f.default for f in fields(entry) if f.default is not MISSING}
