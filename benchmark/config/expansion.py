"""From a study's cells and its design to the cells that are run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.cell import Cell
from fedrl.benchmark.config.crossing import Tables, without_pairs
from fedrl.benchmark.config.design import Design, Point, projected
from fedrl.benchmark.config.settings import SettingError, cell_fields, explain
from fedrl.envs.validation import nearest
from pydantic import ValidationError

ENVIRONMENT = ("kappa", "agents")  # numbers that tell environments apart, not settings to choose
AVERAGING = "server_step_size"  # its multiple is of ηK of the same point


class Expanded(NamedTuple):
    """The cells of a design."""

    cells: list[Cell]
    coordinates: dict[str, Point]  # id of a cell -> its place in the design, as declared


def expand(cells: Iterable[Cell], design: Design, tables: Tables) -> Expanded:
    """Every cell at every point of the design's projection on what its algorithm has."""
    whole = check_names(design, tables)
    points = design.coordinates({name for name, is_whole in whole.items() if is_whole})
    found: dict[str, Cell] = {}
    coordinates: dict[str, Point] = {}
    for cell in cells:
        mine = {name for name in design.space if _has(cell, name)}
        for point in projected(points, mine):
            there = _at(cell, point, design, whole)
            known = coordinates.setdefault(there.id, point)
            if known != point:
                raise SettingError(
                    f"design: {_told(known)} and {_told(point)} are one configuration of "
                    f"{cell.family} with {cell.algorithm}; give values that stay different when "
                    "they are rounded"
                )
            found.setdefault(there.id, there)
    return Expanded(list(found.values()), coordinates)


def check_names(design: Design, tables: Tables) -> dict[str, bool]:
    """Names a design may have, and whether they are whole numbers; SettingError for others.

    Neither may a table of the study say what the design decides.
    """
    hints = get_type_hints(Cell)
    known = _numeric({name: hints[name] for name in cell_fields() if name not in ENVIRONMENT})
    for algorithm in tables.algorithms:
        known |= _numbers(registry.algorithms()[algorithm])
    for name in design.space:
        if name in ENVIRONMENT:
            raise SettingError(
                f"design.space.{name}: {name} tells environments apart; list its values in "
                f"settings.{name}"
            )
        if name not in known:
            raise SettingError(f"design.space.{name}: {nearest('hyperparameter', name, known)}")
    decided = set(design.space)
    if design.evaluations is not None:
        if "evaluate_every" in design.space:
            raise SettingError("design.evaluations decides evaluate_every; leave one of them out")
        decided.add("evaluate_every")
    for place, table in _every_table(tables):
        for name in decided & set(table):
            _check_beside(design, name, f"{place}.{name}", table[name])
    return known


def _check_beside(design: Design, name: str, place: str, value: Any) -> None:
    """A setting that the design decides, given in a table too."""
    if name not in design.space:
        raise SettingError(f"{place} is overruled by design.evaluations; leave one of them out")
    if isinstance(value, list) and len(value) > 1:
        raise SettingError(
            f"{place} is a crossed list and design.space.{name} varies it as well; leave one out"
        )
    if not design.space[name].relative:
        raise SettingError(
            f"{place} is overruled by design.space.{name}; leave one out, or let the design hold "
            "multiples of it: relative = true"
        )
    if name == AVERAGING:
        raise SettingError(
            f"{place} is overruled by design.space.{name}, whose multiples are of ηK; leave one out"
        )


def _every_table(tables: Tables) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("settings", tables.settings)]
    found += [(f"algorithms.{name}", table) for name, table in tables.algorithms.items()]
    for family, table in tables.families.items():
        found.append((f"families.{family}", without_pairs(table)))
        found += [
            (f"families.{family}.algorithms.{name}", pair)
            for name, pair in tables.pairs(family).items()
        ]
    return found


def _has(cell: Cell, name: str) -> bool:
    return name in cell_fields() or name in cell.hyperparameters


def _at(cell: Cell, point: Point, design: Design, whole: dict[str, bool]) -> Cell:
    """The cell with the settings of one point."""
    values = cell.model_dump()
    hyperparameters = dict(cell.hyperparameters)
    last_first = sorted(
        point, key=lambda name: name == AVERAGING
    )  # ηK is known before its multiple
    for name in last_first:
        number = point[name]
        if design.space[name].relative:
            number *= _base(values | hyperparameters, name, cell)
        value = round(number) if whole[name] else number
        (values if name in cell_fields() else hyperparameters)[name] = value
    values["hyperparameters"] = hyperparameters
    if design.evaluations is not None:
        values["evaluate_every"] = _every(values, cell, design.evaluations)
    try:
        return Cell(**values)
    except ValidationError as error:
        place = f"{cell.family} with {cell.algorithm}"
        raise SettingError(f"design, {_told(point)} of {place}: {explain(error)}") from None


def _base(values: dict[str, Any], name: str, cell: Cell) -> float:
    """What a coordinate is a multiple of."""
    value = values["step_size"] * values["local_steps"] if name == AVERAGING else values[name]
    if value is None:
        raise SettingError(
            f"design.space.{name} is relative, and {name} has no value for {cell.family} with "
            f"{cell.algorithm}; set settings.{name}, or leave relative out"
        )
    return float(value)


def _every(values: dict[str, Any], cell: Cell, evaluations: int) -> int:
    """Rounds between evaluations, so that a budget of full episodes has that many."""
    if values["budget"] is None:
        raise SettingError(
            f"design.evaluations needs a budget, and {cell.family} with {cell.algorithm} has none; "
            "set settings.budget, or evaluate_every instead of design.evaluations"
        )
    episodes = values["local_steps"] * values["episodes"] * cell.build_algorithm().batches
    steps = max(1, episodes * cell.build_family().horizon)  # of a round; 0 is refused by the cell
    return max(1, round(values["budget"] / (steps * evaluations)))


def _told(point: Point) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in point.items())


def _numbers(owner: type) -> dict[str, bool]:
    hints = get_type_hints(owner)
    return _numeric({field.name: hints[field.name] for field in fields(owner)})


def _numeric(hints: dict[str, Any]) -> dict[str, bool]:
    """Names of the numbers among the fields, and whether they are whole."""
    kinds = {name: set(get_args(hint) or (hint,)) - {NoneType} for name, hint in hints.items()}
    return {name: int in kind for name, kind in kinds.items() if kind and kind <= {int, float}}
