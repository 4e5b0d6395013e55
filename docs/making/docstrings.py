"""Docstrings, which are plain text with equations, as reStructuredText that shows them as written.

What is markup to Sphinx and a letter to a theorist (*, _, |, \\) is escaped; `code` is code; a list
stays a list, an indented block a block. The comments behind fields become a table.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, NamedTuple

CODE = re.compile(r"(`+)([^`]+)\1")
BULLET = re.compile(r"\s*(- |\d+\. )")


class Field(NamedTuple):
    """One line of a class body: `name: type = default  # meaning`."""

    name: str
    type: str
    default: str
    meaning: str


def restructured(lines: list[str]) -> list[str]:
    """The docstring, escaped; blank lines where reStructuredText wants them."""
    found: list[str] = []
    for block in _blocks(lines):
        if _is_code(block):
            found += ["::", "", *(f"    {line}" for line in block), ""]
            continue
        before = ""
        for line in block:
            if BULLET.match(line) and before and not _continues(before):
                found.append("")  # a list begins below a sentence
            found.append(escaped(line))
            before = line
        found.append("")
    return found


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """The paragraphs between blank lines."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []


def _is_code(block: list[str]) -> bool:
    """An example, indented, or with columns: shown letter by letter."""
    if block[0].startswith(">>> "):
        return True
    plain = not BULLET.match(block[0])
    return plain and any(re.search(r"^    |\S {3,}\S", line) for line in block)


def _continues(line: str) -> bool:
    """Whether a line belongs to a list."""
    return bool(BULLET.match(line)) or line.startswith("  ")


def escaped(line: str) -> str:
    """Prose in which only `code` and a bullet are markup."""
    bullet = BULLET.match(line)
    head = bullet.group(0) if bullet else ""
    parts = re.split(r"(`+[^`]+`+)", line[len(head) :])
    plain = (re.sub(r"([\\*_|])", r"\\\1", part) for part in parts[::2])
    code = (CODE.sub(r"``\2``", part) for part in [*parts[1::2], ""])
    text = head + "".join(a + b for a, b in zip(plain, code, strict=True))
    return re.sub(r"(?<=[^` ]``)(?=\w)", r"\\ ", text)  # `Model`s: letters right behind code


def fields_of(kind: type) -> list[Field]:
    """The annotated lines of a class body with the comments behind them, in their order."""
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return []
    lines = source.splitlines()
    (body,) = ast.parse(source).body
    assert isinstance(body, ast.ClassDef)
    return list(_fields(body, lines))


def _fields(body: ast.ClassDef, lines: list[str]) -> Iterator[Field]:
    for node in body.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        name = node.target.id
        if name.startswith("_") or name == "model_config":
            continue
        default = "" if node.value is None else ast.unparse(node.value)
        behind = _comment(lines[node.lineno - 1 : node.end_lineno]) or _said(node.value)
        meaning = behind or _above(lines[: node.lineno - 1])
        yield Field(name, ast.unparse(node.annotation), default, meaning)


def _comment(lines: list[str]) -> str:
    """The comments of the lines of one statement."""
    found = [line.partition("#")[2].strip() for line in lines if "#" in line]
    return " ".join(found)


def _above(lines: list[str]) -> str:
    """The comment that ends right above a statement."""
    found: list[str] = []
    while lines and lines[-1].strip().startswith("#"):
        found.insert(0, lines[-1].strip().lstrip("# "))
        lines = lines[:-1]
    return " ".join(found)


def _said(value: ast.expr | None) -> str:
    """meaning="…" of a call."""
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg == "meaning" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return ""


def table(kind: type) -> list[str]:
    """A list-table of the fields of a value type, or nothing."""
    rows = [field for field in fields_of(kind) if field.meaning or "ClassVar" not in field.type]
    values = is_dataclass(kind) or hasattr(kind, "_fields") or hasattr(kind, "model_fields")
    if not rows or not values:
        return []
    with_default = any(field.default for field in rows)
    head = ["field", "type", *["default"] * with_default, "meaning"]
    lines = ["", ".. list-table::", "   :header-rows: 1", "   :class: fields", ""]
    for number, row in enumerate([head, *map(list, rows)]):
        if number:
            name, kind_of, default, meaning = (str(entry) for entry in row)
            shown = default if len(default) < 30 else "…"
            row = [
                f"``{name}``",
                f"``{kind_of}``",
                *[f"``{shown}``" if shown else ""][:with_default],
            ]
            row.append(escaped(meaning))
        lines += [f"   {'* -' if not place else '  -'} {entry}" for place, entry in enumerate(row)]
    return [*lines, ""]


def process(app: Any, what: str, name: str, owner: Any, options: Any, lines: list[str]) -> None:
    """For Sphinx's event autodoc-process-docstring."""
    lines[:] = restructured(lines)
    if what in ("class", "exception"):
        lines += table(owner)
