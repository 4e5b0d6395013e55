"""Figures of most tests are SVG only: drawing each a second time would take half of their time."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def pdf() -> None:
    """Asked for by tests of PDF figures, which then are drawn."""


@pytest.fixture(autouse=True)
def _no_pdf(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pdf" in request.fixturenames:
        return
    save = Figure.savefig

    def savefig(self: Figure, out: Any, **words: Any) -> None:
        if words["format"] != "pdf":
            save(self, out, **words)

    monkeypatch.setattr(Figure, "savefig", savefig)
