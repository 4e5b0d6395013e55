"""Plain values as TOML, so that a file of tuned values is read like a study."""

import json
from collections.abc import Mapping
from typing import Any


def document(table: Mapping[str, Any]) -> str:
    """Plain entries first, then one [[name]] per table of a list of tables."""
    lists = {n: v for n, v in table.items() if _is_list_of_tables(v)}
    lines = [f"{key(n)} = {value(v)}" for n, v in table.items() if n not in lists]
    for name, entries in lists.items():
        for entry in entries:
            lines += ["", f"[[{key(name)}]]"]
            lines += [f"{key(n)} = {_spread(v)}" for n, v in entry.items()]
    return "\n".join(lines) + "\n"


def value(thing: Any) -> str:
    """One value on one line."""
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, int | float):
        return repr(thing)
    if isinstance(thing, str):
        return json.dumps(thing, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(thing, Mapping):
        inside = ", ".join(f"{key(n)} = {value(v)}" for n, v in thing.items())
        return "{ " + inside + " }" if inside else "{}"
    if isinstance(thing, list | tuple):
        return "[" + ", ".join(map(value, thing)) + "]"
    raise TypeError(f"{thing!r} has no place in a TOML file")


def key(name: str) -> str:
    """Bare where TOML allows it."""
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else value(name)


def _spread(thing: Any) -> str:
    """A list of lists or of tables one row per line."""
    if isinstance(thing, list) and thing and isinstance(thing[0], list | dict):
        return "[\n" + "".join(f"    {value(row)},\n" for row in thing) + "]"
    return value(thing)


def _is_list_of_tables(thing: Any) -> bool:
    return isinstance(thing, list) and bool(thing) and all(isinstance(e, dict) for e in thing)
