"""The reference of study files: every setting with meaning, unit, range and default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from pydantic import BaseModel

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.communication import (
    AGGREGATORS,
    COMPRESSIONS,
    Clock,
    Lazy,
    Privacy,
)
from fedrl.benchmark.config.conditions import (
    NOISES,
    Attack,
    Critic,
    Drift,
    RewardCliff,
    ServerStep,
)
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.inspection.pages import allowed_of
from fedrl.envs import FAMILIES
from making.docstrings import fields_of

TITLE = "Settings of a study"
UNITS = {  # of numbers that are no pure ones
    "budget": "environment steps",
    "rounds": "rounds",
    "evaluate_every": "rounds",
    "local_steps": "local steps",
    "agents": "agents",
    "episodes": "episodes",
    "initial_episodes": "episodes",
    "snapshot_episodes": "episodes",
    "evaluation_episodes": "episodes",
    "entropy": "reward per nat",
    "initial_log_std": "log of action units",
    "hidden": "units per layer",
    "period": "rounds",
    "every": "rounds",
    "height": "reward",
    "reward_noise.scale": "reward",
    "compute": "s",
    "latency": "s",
    "bandwidth": "bits per s",
    "threshold": "probability (density if continuous)",
}
# The four are tables or keys of the file, not settings in it.
STRUCTURE = ("family", "algorithm", "options", "hyperparameters")
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
}


def page() -> str:
    """The whole reference, as Markdown."""
    return "\n\n".join(
        [
            f"# {TITLE}",
            "Written from the source when this site is built. How tables override each other is "
            "told in [](/guide/studies.md).",
            "## The file",
            rows_of(Study, skip=("name", "only")),
            *tables_of(Study),
            "## `[settings]`, and any narrower table",
            "Symbols are those of the equations. What is off by default is a named "
            'trick or condition; `"none"` turns such a setting off in a list of alternatives.',
            rows_of(Config, skip=STRUCTURE),
            *conditions(),
            "## Options of families",
            "Beside the settings above, a table `[families.X]` takes the family's own options; "
            "[the page on families](/families.md) tells what each means and lists the knobs, "
            "which `vary` selects.",
            options(),
            "## Hyperparameters of algorithms",
            "The same name may stand in `[settings]`, where it applies to every algorithm that "
            "has it.",
            hyperparameters(),
        ]
    )


def tables_of(kind: type[BaseModel]) -> Iterable[str]:
    """Sections on the tables among its fields that have fields of their own."""
    for name, field in kind.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield f"### `[{name}]`"
                yield plain((part.__doc__ or "").split("\n\n")[0].replace("\n", " "))
                yield rows_of(part, within=name)


def conditions() -> Iterable[str]:
    """The inline tables."""
    kinds: list[tuple[str, type[BaseModel]]] = [
        ("server_optimiser", ServerStep),
        ("critic", Critic),
        ("attack", Attack),
        ("clock", Clock),
        ("lazy", Lazy),
        ("privacy", Privacy),
        *((f'compression, kind = "{name}"', kind) for name, kind in COMPRESSIONS.items()),
        *((f'aggregator, rule = "{name}"', kind) for name, kind in AGGREGATORS.items()),
        *((f'reward_noise, distribution = "{name}"', kind) for name, kind in NOISES.items()),
        ("reward_cliff", RewardCliff),
        ("drift", Drift),
    ]
    for name, kind in kinds:
        yield f"### `{name}`"
        yield plain((kind.__doc__ or "").split("\n\n")[0].replace("\n", " "))
        yield rows_of(kind, within=name.split(",")[0])


def rows_of(kind: type[BaseModel], skip: Sequence[str] = (), within: str = "") -> str:
    """One row per field of a model; comments of the bases' fields too."""
    schema = kind.model_json_schema()
    said = {field.name: field.meaning for base in kind.__mro__[::-1] for field in _own(base)}
    rows = []
    for name, field in kind.model_fields.items():
        if name in skip:
            continue
        shape = schema["properties"][name]
        default = "required" if field.is_required() else code(toml(field.default))
        unit = UNITS.get(f"{within}.{name}", UNITS.get(name, ""))
        comment, symbol = parted(said.get(name, ""))
        meaning = plain(comment.replace("None", '`"none"`')) or PLAIN.get(name, "")
        if not meaning or meaning.startswith(CONTINUING):
            meaning = ", ".join(filter(None, (name.replace("_", " "), meaning)))
        elif meaning.startswith(QUALIFYING):
            meaning = f"{name.replace('_', ' ')}; {meaning}"
        if not issubclass(kind, Config):  # there, leaving out is how to say none
            default = default.replace('`"none"`', "not given")
        limits = allowed(shape, schema.get("$defs", {}))
        if default == "not given":
            limits = limits.replace(', or `"none"`', "")
        rows.append((code(name), plain(symbol), meaning, unit, limits, default))
    return markdown(("name", "symbol", "meaning", "unit", "allowed", "default"), rows)


QUALIFYING = ('`"none"`', '"', "exact", "auto")  # comments on one of the values
CONTINUING = ("at most", "per ", "local", "of ", "in ", "by ", "for ")  # comments that go on


def parted(comment: str) -> tuple[str, str]:
    """Split a comment into its text and the symbol it gives in brackets."""
    found = re.search(r"\[([^\]]+)\]", comment)
    if found is None:
        return comment, ""
    return " ".join(comment.replace(found.group(0), "").split()).strip("; "), found.group(1)


PLAIN = {  # of names that say it all
    "title": "heading of the report",
    "description": "paragraph below the heading",
    "settings": "the widest table of settings",
    "families": "one table per environment family",
    "algorithms": "one table per algorithm, which may be empty",
    "distribution": "which noise",
    "scale": "factor of the noise",
    "height": "what such a step costs",
    "threshold": "of π(a\\|s)",
    "kind": "what Byzantine agents do",
}


def _own(kind: type) -> list[Any]:
    """Fields of a model's own; those of Pydantic's base, whose source is long, are no settings."""
    return fields_of(kind) if issubclass(kind, BaseModel) and kind is not BaseModel else []


def allowed(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The range that a JSON schema describes, in symbols."""
    if "anyOf" in shape:
        kept = [allowed(one, definitions) for one in shape["anyOf"] if one.get("type") != "null"]
        tables = "a table, see below" if "a table, see below" in kept else ""
        optional = len(kept) < len(shape["anyOf"])
        return (tables or " or ".join(dict.fromkeys(kept))) + ', or `"none"`' * optional
    if "$ref" in shape:
        return "a table, see below"
    if "oneOf" in shape:
        return "a table, see below"
    if "enum" in shape:
        return ", ".join(code(toml(value)) for value in shape["enum"])
    if "const" in shape:
        return code(toml(shape["const"]))
    kind = {"integer": "whole", "number": "real", "boolean": "`true`, `false`", "string": "text"}
    kind |= {"object": "table", "array": "list"}
    bounds = [form.format(f"{shape[key]:g}") for key, form in BOUNDS.items() if key in shape]
    words = [kind.get(shape.get("type", ""), "any"), *bounds]
    if "items" in shape:
        words[0] += " of " + allowed(shape["items"], definitions)
    return ", ".join(words)


def options() -> str:
    """Family × option."""
    rows = []
    for name, kind in FAMILIES.items():
        family = kind()
        said = {f.name: f.meaning for base in kind.__mro__[:-1][::-1] for f in fields_of(base)}
        for field in fields(kind):
            value, link = getattr(family, field.name), f"[{name}](/families.md)"
            rows.append(
                (link, code(field.name), plain(said.get(field.name, "")), code(toml(value)))
            )
    return markdown(("family", "option", "meaning", "default"), rows)


def hyperparameters() -> str:
    """Algorithm × hyperparameter."""
    rows = []
    for name, kind in ALGORITHMS.items():
        link = f"[{name}](/algorithms/{name}.md)"
        for field in kind.tunables().values():
            details = field.metadata
            low, high = details["domain"]
            search = f"{details['low']:g} … {details['high']:g}"
            range_and_default = (f"[{low:g}, {high:g}]", search, code(f"{field.default:g}"))
            meaning = plain(details["meaning"])
            rows.append((link, code(field.name), meaning, *range_and_default))
        for field in kind.structure().values():
            meaning, allowed = plain(field.metadata["meaning"]), allowed_of(kind, field.name)
            rows.append((link, code(field.name), meaning, allowed, "", code(toml(field.default))))
    heading = ("algorithm", "name", "meaning", "allowed", "worth searching", "default")
    return markdown(heading, rows)


def toml(value: Any) -> str:
    """A value as it is written in a study."""
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml(entry) for entry in value) + "]"
    return f"{value!r}"


def code(text: str) -> str:
    """As code, also in a table."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def plain(text: str) -> str:
    """Prose in which no letter is markup."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for letter in "\\*_[]|<>$":
            parts[place] = parts[place].replace(letter, "\\" + letter)
    return "`".join(parts)


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table without the columns in which nothing stands."""
    filled = [place for place in range(len(heading)) if any(row[place] for row in rows)]
    heading, rows = (
        [heading[place] for place in filled],
        [[row[place] for place in filled] for row in rows],
    )
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
