"""The table of verdicts in the README; `python docs/making/front.py` writes it, a test compares."""

from __future__ import annotations

import re
from pathlib import Path

from fedrl.benchmark.claims.judgement import judge
from fedrl.benchmark.claims.page import front
from fedrl.benchmark.claims.shelf import known

README = Path(__file__).parents[2] / "README.md"
TABLE = re.compile(r"\| verdict \| claim \| measured \|\n(?:\|.*\n)+")


def written(text: str, table: str) -> str:
    """The README with this table in the place of the one it has."""
    return TABLE.sub(lambda _: table + "\n", text, count=1)


if __name__ == "__main__":
    made = front(judge(known()), "docs/claims.md")
    README.write_text(written(README.read_text("utf-8"), made), encoding="utf-8")
