"""Recomputing one stored run from its manifest, to see whether the same bits come out.

The same code, versions and machine promise the same bits. Another processor or library may round
differently; then a learning run drifts away from the stored one, because its dynamics amplify every
last digit. What can be compared honestly is the first evaluation point alone, before any update:
its numbers must agree to a relative 1e-6 in float64 and 1e-3 in float32, its counts and texts
exactly. Divergence is a fact about the whole run and is not part of that point.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.settings import explain
from fedrl.benchmark.storage import parameters as final
from fedrl.benchmark.storage.files import ForeignFileError, StoreError
from fedrl.benchmark.storage.manifests import Manifest, spoken_for
from fedrl.benchmark.storage.provenance import config_code, decisive_versions, machine, versions
from fedrl.benchmark.storage.run_code import changed
from fedrl.benchmark.storage.store import KEY, parse_name, read_table
from fedrl.benchmark.training.record import RunResult
from fedrl.envs.family import Array
from fedrl.envs.thirdparty.making import importing
from fedrl.reports.table.columns import COUNTED

TOLERANCE = {"float64": 1e-6, "float32": 1e-3}  # relative, at the first evaluation point
# Columns of where a normalised score is 0 and 1: what a run is measured by, not what it did.
SCALE = {"random": "the random policy", "reference": "the reference"}
MEANING = "reference_meaning"
WHOLE_RUN = ("diverged", "diverged_round")  # columns that say what happened later
HARDWARE = ("cpu", "architecture", "linear_algebra")  # what may decide bits
NAME = re.compile(
    r"^(?:(?P<study>[^/]+)/)?(?P<cell>[^/\s]+)[/\s]+(?P<seed>[a-z]+)[-\s]?(?P<n>\d+)$"
)


class Original(NamedTuple):
    """A stored run and what it was computed from."""

    path: Path
    run: Run
    columns: dict[str, Array]
    parameters: Array | None  # (F, d), at the end; None where they are not stored
    manifest: Manifest
    differences: dict[str, tuple[Any, Any]]  # name -> then, now: code, versions, machine

    @property
    def elsewhere(self) -> bool:
        """Whether another machine or other versions computed it, so that bits are not promised."""
        return bool(self.differences.keys() - {"code"})


class Comparison(NamedTuple):
    """The outcome of a replay."""

    outcome: str  # identical | identical within tolerance | differs
    round: int | None  # of the first evaluation point that differs
    columns: dict[str, float]  # there; the relative difference of each, infinite for texts
    tolerance: float | None  # None where bits are promised
    scale: Mapping[str, tuple[float, float]] = MappingProxyType({})  # marks: then, now, if others

    @property
    def largest(self) -> float:
        return max(self.columns.values(), default=0.0)

    @property
    def reproduced(self) -> bool:
        return self.outcome != "differs"


def original(
    name: str, results: Path, study: str | None = None, *, trust: bool = False
) -> Original:
    """The stored run of that name.

    A name is the path of a result file, or `<config.id>/seed-00003`, `<config.id> seed 3`, with or
    without the study before it. Raises StoreError for an unknown, ambiguous or corrupt run, and
    ForeignFileError for numbers that no manifest beside them speaks of. A package that the manifest
    names is imported with `trust` only.
    """
    path = Path(name) if Path(name).is_file() else _find(name, results, study)
    seed = parse_name(path.name)
    if seed is None:
        raise StoreError(f"{path} is not the result of a run, a file like seed-00003.parquet")
    table = read_table(path)
    key = table.schema.metadata[KEY].decode()
    manifest = _manifest(spoken_for(path, seed, key))
    if manifest is None:
        raise ForeignFileError(path)
    with importing(allowed=trust):
        config = _config(manifest, path)
    columns = {column: table[column].to_numpy() for column in table.column_names}
    theta = stored_parameters(path, key)
    differences = _differences(manifest, config)
    return Original(path, Run(config, seed), columns, theta, manifest, differences)


def stored_parameters(path: Path, key: str) -> Array | None:
    """The final parameters beside a result file, if they are of the same run."""
    found = final.read(final.beside(path))
    return found.theta if found is not None and found.key == key else None


def recompute(run: Run, on_round: Callable[[int, int], None] | None = None) -> RunResult:
    """The run, computed alone, in this process, by one thread."""
    from fedrl.benchmark.execution.workers import one_thread
    from fedrl.benchmark.training.federation import train

    with one_thread():
        return train([run], threads=1, on_round=on_round)[0]


def compare(
    original: Original, again: Mapping[str, Array], parameters: Array | None = None
) -> Comparison:
    """Row by row, then the final parameters; a row that only one has differs in all columns.

    What scores are measured by may improve: another random policy or reference is told, and is no
    other run. Nor is one of which more is counted than when it was stored.
    """
    then, now = (
        {name: column for name, column in columns.items() if name not in (*SCALE, MEANING)}
        for columns in (original.columns, again)
    )
    now = {name: column for name, column in now.items() if name in then or name not in COUNTED}
    found = _compare(original._replace(columns=then), now, parameters)
    marks = {name: (original.columns[name][0], again[name][0]) for name in SCALE}
    gaps = {name: _gap(*pair) or 0.0 for name, pair in marks.items()}
    other = {
        name: (float(pair[0]), float(pair[1]))
        for name, pair in marks.items()
        if gaps[name] > (found.tolerance or 0.0)
    }
    return found._replace(scale=other)


def _compare(
    original: Original, again: Mapping[str, Array], parameters: Array | None
) -> Comparison:
    tolerance = TOLERANCE[original.run.config.dtype] if original.elsewhere else None
    there = original.columns
    names = sorted({*there, *again})
    shared = min((len(there[n]) for n in there), default=0), min(map(len, again.values()))
    for row in range(max(*(len(c) for c in there.values()), *(len(c) for c in again.values()))):
        gaps = {
            name: _gap(there[name][row], again[name][row])
            if row < min(shared) and name in there and name in again
            else np.inf
            for name in names
        }
        different = {name: gap for name, gap in gaps.items() if gap is not None}
        if different:
            longer = there if row < shared[0] else again
            at = int(longer["round"][row])
            agree = tolerance is not None and _close(there, again, tolerance)
            outcome = "identical within tolerance" if agree else "differs"
            return Comparison(outcome, at, different, tolerance)
    gap = _parameter_gap(original.parameters, parameters)
    if gap is not None:
        outcome = "differs" if tolerance is None else "identical within tolerance"
        last = int(there["round"][-1])
        return Comparison(outcome, last, {"parameters": gap}, tolerance)
    return Comparison("identical", None, {}, tolerance)


def as_json(original: Original, comparison: Comparison) -> dict[str, Any]:
    """The answer for a program; null where a difference is not a number."""
    columns = {name: _finite(gap) for name, gap in comparison.columns.items()}
    return {
        "run": f"{original.path.parent.name} seed {original.run.seed.index}",
        "path": str(original.path),
        "outcome": comparison.outcome,
        "round": comparison.round,
        "columns": columns,
        "largest_relative_difference": _finite(comparison.largest),
        "tolerance": comparison.tolerance,
        "scale": {
            name: {"then": _finite(then), "now": _finite(now)}
            for name, (then, now) in comparison.scale.items()
        },
        "compared_with": {
            name: {"then": then, "now": now} for name, (then, now) in original.differences.items()
        },
    }


def warnings_of(original: Original) -> list[str]:
    """List what differs from when the run was stored, one line each."""
    lines = [
        f"code differs from the manifest's: {changed(then, now)}"
        if name == "code"
        else f"{name} differs from the manifest's: {then} then, {now} now"
        for name, (then, now) in original.differences.items()
    ]
    if original.elsewhere:
        lines.append(
            "the same bits are not promised here; the first evaluation point is also compared "
            f"within a relative {TOLERANCE[original.run.config.dtype]:g}"
        )
    return lines


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
    if comparison.reproduced:
        return (
            f"identical within tolerance {comparison.tolerance:g} at the first evaluation point; "
            + where
        )
    return where


def _find(name: str, results: Path, study: str | None) -> Path:
    named = NAME.match(name.strip().removesuffix(".parquet"))
    if named is None:
        raise _unknown(name, results, study)
    kind = "seed" if named["seed"] == "test" else named["seed"]
    file = f"{kind}-{int(named['n']):05d}.parquet"
    folders = f"{_plain(named['study'] or study)}/{_plain(named['cell'])}"
    found = sorted(results.glob(f"{folders}/{file}"))
    if not found:
        raise _unknown(name, results, study)
    if len(found) > 1:
        studies = [path.parent.parent.name for path in found]
        raise StoreError(f"{name} is stored in several studies: {', '.join(studies)}; add --study")
    return found[0]


def _plain(part: str | None) -> str:
    """As a pattern that matches only itself, or anything."""
    return "*" if part is None else re.sub(r"([*?[])", r"[\1]", part)


def _unknown(name: str, results: Path, study: str | None) -> StoreError:
    known = [
        f"{path.parent.parent.name}/{path.parent.name}/{path.stem}"
        for path in sorted(results.glob(f"{_plain(study)}/*/*.parquet"))
        if parse_name(path.name)
    ]
    if not known:
        return StoreError(
            f"no run {name!r}: there are no results in {results}; name their folder with --results"
        )
    close = get_close_matches("/".join(name.split("/")[-3:]), known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else f"; one is {known[0]!r}."
    return StoreError(f"no run {name!r}{hint} {results} holds {len(known)} runs")


def _manifest(speaking: list[Manifest]) -> Manifest | None:
    """The one that speaks of the run; of several machines' one that is not this, if there is."""
    here = _hardware(machine())
    others = [manifest for manifest in speaking if _hardware(manifest["machine"]) != here]
    return next(iter([*others, *speaking]), None)


def _config(manifest: Manifest, path: Path) -> Config:
    try:
        return Config.model_validate(manifest["cell"])
    except ValidationError as error:
        raise StoreError(
            f"the present code cannot run what the manifest of {path} describes: {explain(error)}"
        ) from None


def _differences(manifest: Manifest, config: Config) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    if changed(manifest["code"], config_code(config)):
        found["code"] = manifest["code"], config_code(config)
    then, now = decisive_versions(manifest["versions"]), decisive_versions(versions())
    hardware = _hardware(manifest["machine"]), _hardware(machine())
    for before, after in ((then, now), hardware):
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                found[name] = before.get(name), after.get(name)
    return found


def _hardware(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {name: machine.get(name) for name in HARDWARE}


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


def _finite(gap: float) -> float | None:
    return gap if np.isfinite(gap) else None
