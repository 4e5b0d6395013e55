"""A stored run beside the same run computed again: the same bits, close, or another run.

The same code, versions and machine promise the same bits. Another processor or library may round
differently; then a learning run drifts away from the stored one, because its dynamics amplify every
last digit. What can be compared honestly is the first evaluation point alone, before any update:
its numbers must agree to a relative 1e-6 in float64 and 1e-3 in float32, its counts and texts
exactly. Divergence is a fact about the whole run and is not part of that point.

Where a simulator's physics is chaotic, the score of θ_0 itself is a whole episode away from the
last digit that differs. Such a run is neither the same nor another one: if all that was counted
agrees, it is not comparable elsewhere.
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.publishing.records import or_null
from fedrl.benchmark.publishing.stored_run import TOLERANCE, Original
from fedrl.benchmark.storage.files import CorruptFileError
from fedrl.benchmark.training.record import RunResult
from fedrl.envs.family import Array, SimulatedFamily
from fedrl.reports.table.columns import AGENT, COUNTED, DIAGNOSTIC

# Columns of where a normalised score is 0 and 1: what a run is measured by, not what it did.
SCALE = {"random": "the random policy", "reference": "the reference"}
MEANING = "reference_meaning"
SCORES = ("objective", "return", "return_worst", "return_best")
WHOLE_RUN = ("diverged", "diverged_round")  # columns that say what happened later


class Comparison(NamedTuple):
    """The outcome of a replay."""

    outcome: str  # identical | identical within tolerance | not comparable | differs
    round: int | None  # of the first evaluation point that differs
    columns: dict[str, float]  # there; the relative difference of each, infinite for texts
    tolerance: float | None  # None where bits are promised
    scale: Mapping[str, tuple[float, float]] = MappingProxyType({})  # marks: then, now, if others

    @property
    def largest(self) -> float:
        return max(self.columns.values(), default=0.0)

    @property
    def reproduced(self) -> bool:
        return self.outcome.startswith("identical")


def recompute(run: Run) -> RunResult:
    """The run, computed alone, in this process, by one thread."""
    from fedrl.benchmark.execution.attempt import one_thread
    from fedrl.benchmark.training.federation import train

    with one_thread():
        return train([run], threads=1)[0]


def compare(
    original: Original, again: Mapping[str, Array], parameters: Array | None = None
) -> Comparison:
    """Row by row, then the final parameters; a row that only one has differs in all columns.

    What scores are measured by may improve: another random policy or reference is told, and is no
    other run. Nor is one of which more is counted than when it was stored. Raises CorruptFileError
    for a result without rounds or scale.
    """
    for name in ("round", *SCALE):
        held = original.columns.get(name)
        if held is None or not len(held) or held.dtype.kind not in "iuf":
            raise CorruptFileError(original.path)
    then, now = (
        {name: column for name, column in columns.items() if name not in (*SCALE, MEANING)}
        for columns in (original.columns, again)
    )
    now = {name: column for name, column in now.items() if name in then or name not in COUNTED}
    found = _compare(original._replace(columns=then), now, parameters)
    marks = {name: (original.columns[name][0], again[name][0]) for name in SCALE}
    other = {
        name: (float(pair[0]), float(pair[1]))
        for name, pair in marks.items()
        if (_gap(*pair) or 0.0) > (found.tolerance or 0.0)
    }
    return found._replace(scale=other)


def _compare(
    original: Original, again: Mapping[str, Array], parameters: Array | None
) -> Comparison:
    tolerance = TOLERANCE[original.run.config.dtype] if original.elsewhere else None
    there = original.columns
    names = sorted({*there, *again})
    for then, now in zip_longest(_rows(there), _rows(again), fillvalue=dict[str, Any]()):
        gaps = {n: _gap(then[n], now[n]) if n in then and n in now else np.inf for n in names}
        different = {name: gap for name, gap in gaps.items() if gap is not None}
        if different:
            at = int((then or now)["round"])
            return Comparison(_outcome(original, again, tolerance), at, different, tolerance)
    gap = _parameter_gap(original.parameters, parameters)
    if gap is not None:
        outcome = "differs" if tolerance is None else "identical within tolerance"
        last = int(there["round"][-1])
        return Comparison(outcome, last, {"parameters": gap}, tolerance)
    return Comparison("identical", None, {}, tolerance)


def _rows(columns: Mapping[str, Array]) -> Iterator[dict[str, Any]]:
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _outcome(original: Original, again: Mapping[str, Array], tolerance: float | None) -> str:
    """What it means that two runs have not the same bits."""
    if tolerance is not None and _close(original.columns, again, tolerance):
        return "identical within tolerance"
    there, here = _without_scores(original.columns), _without_scores(again)
    if tolerance is None or not _close(there, here, tolerance):
        return "differs"
    return "not comparable" if is_simulated(original.run.config) else "differs"


def is_simulated(config: Config) -> bool:
    """Whether scores are of episodes of a simulator, which amplify every last digit."""
    return isinstance(config.build_family(), SimulatedFamily)


def _without_scores(columns: Mapping[str, Array]) -> dict[str, Array]:
    return {
        name: column
        for name, column in columns.items()
        if name not in SCORES and not name.startswith((AGENT, DIAGNOSTIC))
    }


def as_json(original: Original, comparison: Comparison) -> dict[str, Any]:
    """The answer for a program; null where a difference is not a number."""
    columns = {name: or_null(gap) for name, gap in comparison.columns.items()}
    return {
        "run": f"{original.path.parent.name} seed {original.run.seed.index}",
        "path": str(original.path),
        "outcome": comparison.outcome,
        "round": comparison.round,
        "columns": columns,
        "largest_relative_difference": or_null(comparison.largest),
        "tolerance": comparison.tolerance,
        "scale": {
            name: {"then": or_null(then), "now": or_null(now)}
            for name, (then, now) in comparison.scale.items()
        },
        "compared_with": {
            name: {"then": then, "now": now} for name, (then, now) in original.differences.items()
        },
    }


def sentence(comparison: Comparison) -> str:
    """The answer for people."""
    if comparison.scale:
        same = sentence(comparison._replace(scale={}))
        told = (
            f"{SCALE[name]} is {then:.6g} then, {now:.6g} now"
            for name, (then, now) in comparison.scale.items()
        )
        return f"{same}; it is measured on another scale: {', '.join(told)}"
    if comparison.outcome == "identical":
        return "identical"
    where = (
        f"differs from round {comparison.round} in {', '.join(comparison.columns)}; largest "
        f"relative difference there {comparison.largest:.2g}"
    )
    if comparison.outcome == "not comparable":
        return (
            "not comparable on this machine: chaotic physics amplifies last digits within the "
            f"first episode, and what was counted before it is the same; {where}"
        )
    if comparison.reproduced:
        return (
            f"identical within tolerance {comparison.tolerance:g} at the first evaluation point; "
            + where
        )
    return where


def _parameter_gap(one: Array | None, two: Array | None) -> float | None:
    """None for the same bits or nothing to compare, else the largest relative difference."""
    if one is None or two is None:
        return None
    if one.shape != two.shape or one.dtype != two.dtype:
        return float("inf")
    gaps = [_gap(a, b) for a, b in zip(one.ravel(), two.ravel(), strict=True)]
    return max((gap for gap in gaps if gap is not None), default=None)


def _gap(one: Any, two: Any) -> float | None:
    """None for the same bits, else the relative difference; infinite where there is none."""
    one, two = np.asarray(one), np.asarray(two)
    numeric = one.dtype.kind in "iuf" and two.dtype.kind in "iuf"
    if one.dtype.kind == two.dtype.kind == "f" and np.isnan(one) and np.isnan(two):
        return None
    if one.dtype.kind == two.dtype.kind and one == two:
        signs = numeric and np.signbit(one) != np.signbit(two)
        return 0.0 if signs else None
    if not numeric or not (np.isfinite(one) and np.isfinite(two)):
        return float("inf")
    return float(abs(one - two) / max(abs(one), abs(two), np.finfo(float).tiny))


def _close(one: Mapping[str, Array], two: Mapping[str, Array], tolerance: float) -> bool:
    if one.keys() != two.keys():
        return False
    names = [name for name in one if name not in WHOLE_RUN]
    gaps = {name: _gap(one[name][0], two[name][0]) for name in names}
    floats = {name for name in names if np.asarray(one[name]).dtype.kind == "f"}
    return all(gap is None or (name in floats and gap <= tolerance) for name, gap in gaps.items())
