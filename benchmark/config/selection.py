"""Narrowing a study to some of its runs: conditions `field=value[,value]`.

Conditions on the same field are alternatives, conditions on different fields must all hold.
"""

import json
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.settings import SettingError, check_known, parse_value, words

# Of these conditions what differs from the defaults is told, and always the named fields.
ALWAYS = {
    "compression": ("kind", "share", "levels"),
    "aggregator": ("rule",),
    "clock": ("pace",),
    "privacy": ("clip", "noise"),
}


def facts(run: Run) -> dict[str, Any]:
    """Everything a run can be selected by, and every column that describes it."""
    values = run.config.model_dump(exclude={"options", "hyperparameters"})
    for name, always in ALWAYS.items():
        if (condition := getattr(run.config, name)) is not None:
            told = {*always, *condition.model_dump(exclude_defaults=True)}
            values[name] = {key: entry for key, entry in values[name].items() if key in told}
    values["server_step_size"] = run.config.server_step
    return {**run.config.options, **run.config.hyperparameters, **values, "seed": run.seed.index}


def select(runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
    """The runs that satisfy all conditions, or a SettingError that names the values there are.

    >>> from fedrl.benchmark.config.study import load_study
    >>> runs = load_study("quick").runs()
    >>> len(runs), len(select(runs, ["family=gridworld", "algorithm=fedpg,fedpg-m"]))
    (120, 20)
    """
    if not only:
        return list(runs)
    kept = [(run, facts(run)) for run in runs]
    known = sorted({field for _, fact in kept for field in fact})
    wanted: dict[str, list[str]] = {}
    for condition in only:
        field, values = _parse(condition)
        check_known("field", [field], known, f"--only {condition}: ")
        everywhere = _values(field, (fact for _, fact in kept))
        check_known(f"run with {field}", values, everywhere, f"--only {condition}: ")
        wanted.setdefault(field, []).extend(values)
    for field, accepted in wanted.items():
        present = _values(field, (fact for _, fact in kept))
        kept = [
            (run, fact) for run, fact in kept if field in fact and _text(fact[field]) in accepted
        ]
        if not kept:
            there = f"the other conditions leave {field} {', '.join(present)}"
            missing = f"the other conditions leave no run that has {field}"
            raise SettingError(f"--only leaves no run: {there if present else missing}")
    return [run for run, _ in kept]


def _values(field: str, described: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(_text(fact[field]) for fact in described if field in fact))


def _parse(condition: str) -> tuple[str, list[str]]:
    field, equals, text = condition.partition("=")
    if not equals or not field.strip() or not text.strip():
        raise SettingError(
            f"--only {condition} is not of the form field=value, for example algorithm=fedpg"
        )
    try:
        values = tomllib.loads(f"values = [{text}]")["values"]
    except tomllib.TOMLDecodeError:
        values = [parse_value(part) for part in text.split(",")]
    return field.strip(), [_text(value) for value in values]


def _text(value: Any) -> str:
    """A value as it is written in a study; 1 and 1.0 are one value."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return words(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else json.dumps(value)
    return f"{float(value):.15g}"
