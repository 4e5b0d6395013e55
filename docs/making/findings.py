"""The list of pages about what was measured: all that lie in this folder and stand nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1]
ELSEWHERE = (  # in other sections
    "index",
    "architecture",
    "families",
    "conditions",
    "scale",
    "published-code",
)


def page() -> str:
    """Title and first sentence of each."""
    found = sorted(path for path in FOLDER.glob("*.md") if path.stem not in ELSEWHERE)
    lines = [f"- [](/{path.name})" for path in found]
    tree = "\n".join(f"/{path.stem}" for path in found)
    head = (
        "# Findings\n\nWhat was measured with this suite, with the commands that measure it again."
    )
    return "\n\n".join([head, "\n".join(lines), f"```{{toctree}}\n:hidden:\n{tree}\n```"]) + "\n"


def title(text: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", text, re.M)
    return found.group(1) if found else ""
