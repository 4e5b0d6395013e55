"""A module as its syntax tree says it: a digest of what it does, and what it imports.

Comments, docstrings, layout and what only type checkers read do not count, whatever the line ends.
A source has one digest on every system and on every Python 3.11+ whose parser gives the same tree:
nothing is written that is empty, or that follows from what stands around it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

IMPLIED = ("ctx", "kind", "type_comment")


class Import(NamedTuple):
    """`from module import name`; `name` is None for `import module`."""

    module: str
    name: str | None


class Module(NamedTuple):
    """The parsed source file of a module."""

    name: str
    package: bool  # whether it is the `__init__.py` of one
    digest: str
    imports: tuple[Import, ...]  # anywhere in it
    handed_on: dict[str, Import]  # name that the top level imports -> where from
    bound: frozenset[str]  # names that the top level assigns or defines


def parse(name: str, source: bytes, package: bool) -> Module:
    """The module with this source; SyntaxError if there is none in it."""
    tree = ast.parse(source)
    imports: list[ast.Import | ast.ImportFrom] = []
    text = _written(tree, imports)
    inside = name if package else name.rpartition(".")[0]
    return Module(
        name,
        package,
        hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        tuple(one for node in imports for _, one in _imported(node, inside)),
        {
            bound: one
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for bound, one in _imported(node, inside)
        },
        frozenset(_bound(tree.body)),
    )


def _written(node: Any, imports: list[ast.Import | ast.ImportFrom]) -> str:
    """The tree as text; import statements in it are added to `imports`."""
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__}:{node.value!a}"
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        parts = [type(node).__name__]
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                value = [entry for entry in value if not _idle(entry)]
            if value is not None and value != [] and field not in IMPLIED:
                parts.append(f"{field}={_written(value, imports)}")
        return f"({' '.join(parts)})"
    if isinstance(node, list):
        return f"[{' '.join(_written(entry, imports) for entry in node)}]"
    return ascii(node)


def _idle(node: Any) -> bool:
    """Whether a statement does nothing when it runs: docstrings, `pass`, `if TYPE_CHECKING`."""
    if isinstance(node, ast.If):
        named = getattr(node.test, "attr", getattr(node.test, "id", None))
        return named == "TYPE_CHECKING" and not node.orelse
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass)


def _imported(node: ast.Import | ast.ImportFrom, inside: str) -> Iterator[tuple[str, Import]]:
    """Map each name that a statement in the package `inside` binds to the module it imports."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], Import(alias.name, None)
        return
    outer = inside.split(".")[: 1 - node.level or None] if node.level else []
    module = ".".join([*outer, *([node.module] if node.module else [])])
    for alias in node.names:
        yield alias.asname or alias.name, Import(module, alias.name)


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for one in targets if isinstance(one, ast.Name))
