"""What is handed to the compiler compiles on every Python, as far as its source can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from fedrl.envs.family import Kernel
from places import ROOT

ROOMS = ("algorithms/estimators", "envs", "benchmark/training")
SCOPES = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)


def compiled_functions(source: str) -> Iterator[ast.FunctionDef]:
    """Those with a decorator that compiles, with a digest for its cache, or of a `Kernel`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(each).split("(")[0] for each in node.decorator_list}
            digest = any(ast.unparse(each) == "_ = version" for each in node.body)
            if digest or decorators & {"compiled", "jitable"} or node.name in Kernel._fields:
                yield node


def shared_names(function: ast.FunctionDef) -> set[str]:
    """Names that a comprehension binds and the function does too: since 3.12 they are one."""
    own, inner = {argument.arg for argument in function.args.args}, set()
    left: list[ast.AST] = [*function.body]
    while left:
        node = left.pop()
        if isinstance(node, COMPREHENSIONS):
            targets = (generator.target for generator in node.generators)
            inner |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif not isinstance(node, SCOPES):
            left += ast.iter_child_nodes(node)
    return own & inner


@pytest.mark.parametrize("room", ROOMS)
def test_a_comprehension_in_compiled_code_has_a_variable_of_its_own(room: str) -> None:
    sources = {path: path.read_text("utf-8") for path in (ROOT / room).rglob("*.py")}
    functions = [(path, f) for path, source in sources.items() for f in compiled_functions(source)]
    assert len(functions) > 5
    assert [(str(p), f.name, shared_names(f)) for p, f in functions if shared_names(f)] == []


def test_the_law_sees_what_it_is_for() -> None:
    source = "@compiled\ndef f(x):\n    _ = version\n    y = [x for _ in range(8)]\n    return y"
    (function,) = compiled_functions(source)
    assert shared_names(function) == {"_"}
    (other,) = compiled_functions(source.replace("for _", "for slot"))
    assert shared_names(other) == set()
