"""Figures of most tests are SVG only: drawing each a second time would take half of their time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sketches import sketches


@pytest.fixture(scope="module", autouse=True)
def _no_pdf() -> Iterator[None]:
    with sketches("svg"):
        yield


@pytest.fixture
def pdf() -> Iterator[None]:
    """Asked for by tests of PDF figures, which then are drawn too."""
    with sketches("svg", "pdf"):
        yield
