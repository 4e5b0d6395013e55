"""Pages of the published studies: their README with its figures, as they are kept with the code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"
UP = "../../../reports/published"  # from generated/published, where a page stands
HEAD = """\
# Published studies

Studies whose records are kept with the code. Each page has the leaderboard, what follows from it
and the main figures; `fedrl open STUDY` shows the whole report, one interactive page, and
`fedrl verify --published` makes all of them again from their records, byte for byte.
[Claim by claim](/claims.md) says what they decide.
"""


@cache
def pages() -> dict[str, str]:
    """Path below `generated` → text: a page per study, and the list of them."""
    found = {path.parent.name: path.read_text("utf-8") for path in PUBLISHED.glob("*/README.md")}
    made = {f"published/{name}.md": placed(name, text) for name, text in sorted(found.items())}
    return {"published.md": index(found), **made}


def index(found: dict[str, str]) -> str:
    """Title, verdict and first figure of every study."""
    parts = [HEAD]
    for name, text in sorted(found.items()):
        title = text.split("\n", 1)[0].removeprefix("# ")
        parts.append(f"## [{title}](published/{name}.md)")
        verdict = re.search(r"^\*\*.+\*\*$", text, re.M)
        picture = re.search(r"^!\[([^\]]*)\]\((pictures/[^)]+)\)", text, re.M)
        parts += [verdict[0].strip("*")] if verdict else []
        if picture:
            parts.append(f"![{picture[1]}](../../reports/published/{name}/{picture[2]})")
    tree = "\n".join(f"published/{name}" for name in sorted(found))
    return "\n\n".join([*parts, f"```{{toctree}}\n:hidden:\n{tree}\n```"]) + "\n"


def placed(name: str, text: str) -> str:
    """With links to its files from where the page stands, and a way to the interactive page."""
    moved = text.replace("](pictures/", f"]({UP}/{name}/pictures/")
    moved = re.sub(r"^### ", "## ", moved, flags=re.M)  # families, right below the title
    return moved.replace("\n## In this folder", f"\n## In `reports/published/{name}`", 1)
