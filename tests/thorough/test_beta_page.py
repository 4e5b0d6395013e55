"""The tables of docs/beta.md, whose intervals take seconds, against the published records."""

from __future__ import annotations

import sys

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from making.measured import beta


@pytest.mark.long
def test_tables_of_the_page_on_beta_are_those_of_the_published_study() -> None:
    page = (ROOT / "docs" / "beta.md").read_text("utf-8")
    for name, table in beta.tables().items():
        assert table in page, name
