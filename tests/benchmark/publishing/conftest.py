"""Figures are sketches, and equal records are drawn once: these are laws of what is done then."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from sketches import sketches

from fedrl import reports
from fedrl.reports.table import formatting


@pytest.fixture(scope="session")
def drawings() -> dict[bytes, Path]:
    """Reports by what they are made of; a test that draws again clears it."""
    return {}


@pytest.fixture
def drawn() -> None:
    """Asked for by tests whose figures are drawn."""


@pytest.fixture(autouse=True)
def _equal_records_are_drawn_once(
    drawings: dict[bytes, Path],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    draw, is_drawn = reports.write_report, "drawn" in request.fixturenames

    def written(records: Any, told: Any, out: Path, *, tell: Any = None, **more: Any) -> Path:
        more.pop("pool", None)  # figures of another process would be no sketches
        filmed = more.pop("films", list)()
        made_of = pickle.dumps((records, told, more, filmed, formatting.NOTHING, is_drawn))
        if made_of not in drawings:
            folder = tmp_path_factory.mktemp("drawn")
            draw(records, told, folder, tell=tell, films=lambda: filmed, **more)
            drawings[made_of] = folder
        shutil.copytree(drawings[made_of], out, dirs_exist_ok=True)
        return out / "index.html"

    monkeypatch.setattr(reports, "write_report", written)
    with nullcontext() if is_drawn else sketches():
        yield
