"""Tuned values for a cell of a study, or why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedrl.benchmark.config.settings import SettingError

if TYPE_CHECKING:
    from fedrl.benchmark.config.cell import Cell
    from fedrl.benchmark.config.tuned_file import Entry

Layers = Sequence[tuple[str, Mapping[str, Any]]]


def shipped() -> Path:
    """The folder of tuned values that comes with the package."""
    return Path(str(files("fedrl.benchmark").joinpath("tuned")))


def tuned_cell(cell: Cell, folder: str, layers: Layers) -> Cell:
    """The cell with its tuned values; `layers` are the table that asks for them and narrower ones.

    Values of wider tables are replaced. Values that were tuned together stay together: what the
    asking table or a narrower one sets by hand is refused.
    """
    from fedrl.benchmark.config.search_space import applied

    entry = find(cell, [Path(folder), shipped()])
    asking = layers[0][0]
    for place, table in layers:
        for name in entry.values:
            if name in table:
                raise SettingError(
                    f"{place}.{name} is set by hand, but {asking}.hyperparameters = 'tuned' takes "
                    f"{', '.join(entry.values)} together from a file; remove {place}.{name}, or "
                    f"write {place}.hyperparameters = 'given'"
                )
    return applied(cell, entry.values)


def tuned_names(family: str, algorithm: str, folder: str) -> set[str]:
    """What tuned values there are of a pair, by name."""
    from fedrl.benchmark.config.tuned_file import path_of, read

    paths = [path_of(place, family, algorithm) for place in (Path(folder), shipped())]
    return {name for p in paths if p.exists() for entry in read(p) for name in entry.values}


def find(cell: Cell, folders: Sequence[Path]) -> Entry:
    """The entry that was made for this cell's problem, of the first folder that has one.

    One that fits but for the release that made it is refused, not passed over for a later folder.
    """
    from fedrl.benchmark.config.tuned_file import path_of, read

    seen: list[tuple[Path, Entry]] = []
    for folder in folders:
        path = path_of(folder, cell.family, cell.algorithm)
        entries = read(path) if path.exists() else []
        fitting = [entry for entry in entries if not differences(cell, entry)]
        if fitting:
            return min(fitting, key=lambda entry: _apart(cell, entry))
        seen += [(path, entry) for entry in entries]
        if any(not _unlike(cell, entry) for entry in entries):
            break
    raise SettingError(_missing(cell, folders, seen))


def differences(cell: Cell, entry: Entry) -> list[str]:
    """What of the cell is not what the entry was tuned for: `what is X, tuned for Y`."""
    from fedrl.benchmark.config import tuned_identity as identity

    here = identity.release()
    if not identity.compatible(entry.fedrl, here):
        return [f"made by fedrl {entry.fedrl}, this is {here}"]
    return _unlike(cell, entry)


def _unlike(cell: Cell, entry: Entry) -> list[str]:
    """The differences, whatever release made the entry."""
    from fedrl.benchmark.config import tuned_identity as identity

    found = [
        f"{name} is {mine:g}, tuned for {theirs:g}"
        for name, mine, theirs in (
            ("kappa", cell.kappa, entry.kappa),
            ("agents", cell.agents, entry.agents),
        )
        if mine != theirs
    ]
    settings = identity.settings_of(cell, list(entry.values))
    for kind, mine, theirs in (
        ("option ", identity.options_of(cell), entry.options),
        ("", settings, entry.settings),
    ):
        for name in sorted({*mine, *theirs}):
            one, other = mine.get(name, "the default"), theirs.get(name, "the default")
            if one != other:
                found.append(f"{kind}{name} is {_word(one)}, tuned for {_word(other)}")
    if not found and identity.problem_of(cell) != entry.problem:
        found.append("the family draws other MDPs or has other knobs than when it was tuned")
    return found


def _apart(cell: Cell, entry: Entry) -> float:
    """How far the budgets are apart, as a ratio; none is as far as it gets."""
    mine, theirs = cell.budget or 0, entry.told["budget"]
    return math.inf if not mine or not theirs else abs(math.log(mine / theirs))


def _missing(cell: Cell, folders: Sequence[Path], seen: list[tuple[Path, Entry]]) -> str:
    """What was expected, the nearest there is, and how to get it."""
    wanted = f"{cell.family} / {cell.algorithm} at kappa {cell.kappa:g}, agents {cell.agents}"
    remedy = "tune them with `fedrl tune STUDY`, or write hyperparameters = 'given'"
    if not seen:
        near = _pairs(folders, cell)
        there = f"; there are values of {near}" if near else ""
        return (
            f"no tuned values of {wanted}: neither {folders[0]} nor the package has "
            f"{cell.family}/{cell.algorithm}.toml{there}; {remedy}"
        )
    path, entry = min(
        seen,
        key=lambda pair: (
            len(differences(cell, pair[1])),
            abs(pair[1].kappa - cell.kappa),
            abs(pair[1].agents - cell.agents),
        ),
    )
    shown = path if shipped() not in path.parents else f"the package's {cell.algorithm}.toml"
    reasons = "; ".join(differences(cell, entry))
    return (
        f"no tuned values of {wanted}: the nearest, in {shown} (kappa {entry.kappa:g}, agents "
        f"{entry.agents}, study {entry.study}), do not fit: {reasons}; {remedy}"
    )


def _pairs(folders: Sequence[Path], cell: Cell) -> str:
    """Families or algorithms near by that have values."""
    pairs = sorted(
        {
            (p.parent.name, p.stem)
            for folder in folders
            if folder.is_dir()
            for p in folder.glob("*/*.toml")
        }
    )
    near = [p for p in pairs if cell.family == p[0] or cell.algorithm == p[1]] or pairs
    return ", ".join(f"{family} / {algorithm}" for family, algorithm in near[:5])


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
