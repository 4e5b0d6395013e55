"""What was not fair to one side of a comparison."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fedrl.benchmark.claims.evidence import Evidence
from fedrl.benchmark.config.registry import algorithms
from fedrl.reports.table.columns import SYMBOLS

EDGE = 0.5  # share of choices at an end of the grid beyond which the best may lie outside


def untuned(evidence: Evidence, name: str) -> tuple[str, ...]:
    """The algorithm's own hyperparameters, η and K that had one value that nobody tuned.

    Tuned are values that the study takes from tuning, where they differ, and those it crosses.
    """
    runs = evidence.frame[evidence.frame["algorithm"] == name]
    tuned = evidence.configuration.get("settings", {}).get("hyperparameters") == "tuned"
    fixed = [h for h in _own(name) if h in runs and _is_fixed(evidence.frame, runs, h, tuned)]
    if not fixed:
        return ()
    told = ", ".join(f"{SYMBOLS.get(h, h)} = {_one(runs[h])}" for h in fixed)
    return (f"{name} ran with {told}, not tuned there",)


def _own(name: str) -> list[str]:
    known = algorithms()
    if name not in known:
        return ["step_size", "local_steps"]
    kind = known[name]
    averages = kind.federated and not kind.synchronous  # K decides when
    return ["step_size", *kind.tunables(), *(["local_steps"] if averages else [])]


def _is_fixed(every: Any, runs: Any, name: str, tuned: bool) -> bool:
    """One value in a family; with tuned values also where others would have been tried for it."""
    if not tuned:
        return bool(runs.groupby("family")[name].nunique().min() < 2)
    return name == "local_steps" and every[name].nunique() < 2


def _one(values: Any) -> str:
    return " or ".join(f"{v:g}" for v in sorted(set(values.astype(float))))


def at_an_edge(name: str, chosen: Mapping[str, Iterable[float]], known: Any) -> tuple[str, ...]:
    """Whether η or β were mostly chosen at an end of what was tried."""
    found = []
    for axis, values in chosen.items():
        tried = np.unique(np.asarray(known[axis], dtype=np.float64))
        own = np.asarray(list(values), dtype=np.float64)
        ends = np.isin(own, (tried[0], tried[-1]))
        if len(tried) > 1 and ends.mean() > EDGE:
            share = f"{100 * ends.mean():.0f} %"
            symbol = SYMBOLS.get(axis, axis)
            found.append(f"{share} of {name}'s choices of {symbol} are at an end of what was tried")
    return tuple(found)
