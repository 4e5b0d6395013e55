"""Tables of pages whose intervals take seconds, against the published records."""

from __future__ import annotations

import sys

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from making.measured import beta, theory


@pytest.mark.long
def test_tables_of_the_page_on_beta_are_those_of_the_published_study() -> None:
    page = (ROOT / "docs" / "beta.md").read_text("utf-8")
    for name, table in beta.tables().items():
        assert table in page, name


@pytest.mark.long
def test_slopes_at_one_number_of_local_steps_are_those_of_the_published_study() -> None:
    """Otherwise: PYTHONPATH=docs python -m making.measured.theory."""
    page = (ROOT / "docs" / "theory.md").read_text("utf-8")
    for name, table in theory.fitted_tables().items():
        assert f"{theory.MARK.format(name=name)}\n\n{table}" in page
