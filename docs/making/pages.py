"""Everything that is generated, into one folder that is not under version control."""

from __future__ import annotations

import shutil
from pathlib import Path

from making import commands, findings, published, readings, reference, settings, studies

FOLDER = Path(__file__).parents[1] / "generated"


def texts() -> dict[str, str]:
    """Path below `generated` to text."""
    return {
        "settings.md": settings.page(),
        "studies.md": studies.page(),
        "commands.md": commands.page(),
        "readings.md": readings.page(),
        "findings.md": findings.page(),
        **published.pages(),
        **reference.pages(),
    }


def write() -> None:
    """All pages; what is not generated any more disappears."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, text in texts().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
