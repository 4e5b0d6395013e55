"""The page of claims, its figures and the README's table, against all published records."""

from __future__ import annotations

from functools import cache

import pytest

from fedrl.benchmark.claims import shelf
from fedrl.benchmark.claims.judgement import judge
from fedrl.benchmark.claims.page import files, front
from fedrl.benchmark.claims.verdict import Verdict
from places import ROOT

# One worker judges them all, once.
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("claims")]


@cache
def verdicts() -> list[Verdict]:
    return judge(shelf.known())


def test_the_page_the_figures_and_the_readme_are_those_of_the_published_records() -> None:
    """Otherwise: fedrl claims --out docs, and python docs/making/front.py."""
    for name, text in files(verdicts()).items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, name
    assert front(verdicts(), "docs/claims.md") in (ROOT / "README.md").read_text("utf-8")


def test_exact_computations_decide_as_the_algebra_says() -> None:
    """Control variates end at a stationary point; own corrections keep FedAvg's bias."""
    found = {one.claim.name: one.verdict for one in verdicts()}
    assert found["scaffold-is-exact"] == found["fast-fedpg-is-exact"] == "shown"
    assert found["no-residual-at-a-fixed-step-size"] == "refuted"
    assert found["residual-vanishes-with-the-step-size"] == "shown"
