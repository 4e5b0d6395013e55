"""Pages that are also read on a code host: their links and contents, for this site."""

from __future__ import annotations

import re
from typing import Any

SOURCE = re.compile(r"\[[\w/.]+\]\((?:\.\./)+((?:algorithms|envs|benchmark|reports)/[\w/]+)\.py\)")
STUDY = re.compile(r"\]\((?:\.\./)+reports/published/(\w+)/README\.md\)")
CONTENTS = "\n\n```{toctree}\n:hidden:\n:glob:\n*\n```\n"


def rewrite(app: Any, page: str, text: list[str]) -> None:
    """For Sphinx's event source-read: source files are modules, published studies have pages."""
    text[0] = SOURCE.sub(lambda found: f"{{py:mod}}`fedrl.{found[1].replace('/', '.')}`", text[0])
    text[0] = STUDY.sub(r"](/generated/published/\1.md)", text[0])
    if page == "algorithms/README":
        text[0] += CONTENTS
