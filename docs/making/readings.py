"""Which reading of its paper each algorithm takes, written from docstrings."""

from __future__ import annotations

import inspect

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.inspection import pages
from making.settings import code, plain


def page() -> str:
    """One section per algorithm: source, equation, reading."""
    head = (
        "# Readings, algorithm by algorithm\n\nWritten from the docstrings when this site is "
        "built. Symbols are those of [](/algorithms/README.md)."
    )
    return "\n\n".join([head, *(section(name) for name in ALGORITHMS)]) + "\n"


def section(name: str) -> str:
    """One algorithm."""
    kind = ALGORITHMS[name]
    said = (inspect.getdoc(kind) or "").split("\n\n")
    text = "\n\n".join(plain(" ".join(part.split())) for part in said)
    return "\n\n".join(
        [
            f"## [{name}](/algorithms/{name}.md)",
            f"Source: {plain(kind.reference)}.",
            code(pages.equation(kind)).replace("\\|", "|"),
            text,
        ]
    )
