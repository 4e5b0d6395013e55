"""Laws of the marks that scores are read against, and of the page that lists them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from test_cli import Answer, fedrl  # noqa: F401

from fedrl.benchmark.inspection.federation import federation
from fedrl.benchmark.inspection.handbook import row, section
from fedrl.benchmark.inspection.thresholds import random_score, standing
from fedrl.envs import FAMILIES
from fedrl.envs.finite.tabular import Tabular
from places import ROOT

Fedrl = Callable[..., Answer]
PAGE = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
FINITE = [name for name, kind in FAMILIES.items() if issubclass(kind, Tabular)]
ROBOTS = ("halfcheetah", "hopper", "walker2d")  # many steps of an engine
every_family = pytest.mark.parametrize("name", FAMILIES)
every_finite = pytest.mark.parametrize("name", FINITE)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.long if n == "linear-quadratic" else ())
        for n in FAMILIES
        if n not in ROBOTS
    ],
)
def test_the_page_has_the_computed_thresholds(name: str) -> None:
    marks = row(standing(federation(name, 1, 0.0, 0, [], hidden=()), 100))
    assert f"| {' | '.join(marks)} |\n" in PAGE


@every_family
def test_the_page_has_every_familys_section(name: str) -> None:
    assert section(federation(name, 1, 0.0, 0, [])) in PAGE
    assert PAGE.count(f"\n| {name} | ") == 1


@pytest.mark.parametrize(
    ("name", "kappa"),
    [
        pytest.param(n, kappa, marks=pytest.mark.long if (n, kappa) == ("taxi", 0.0) else ())
        for n in FINITE
        for kappa in (0.0, 0.8)
    ],
)
def test_marks_are_in_order(name: str, kappa: float) -> None:
    """Random ≤ common ≤ own: the first two are stationary, the last may depend on the time."""
    found = standing(federation(name, 2, kappa, 1, [], hidden=()), 2)
    assert found.common is not None
    assert found.own is not None
    slack = 1e-9 * max(1.0, abs(found.own))
    assert found.random.value <= found.common + slack
    assert found.common <= found.own + slack
    assert found.reference == found.common
    assert found.random.episodes == 0


@every_finite
def test_alike_agents_have_the_marks_of_one(name: str) -> None:
    one, two = (standing(federation(name, n, 0.0, 0, [], hidden=()), 2) for n in (1, 2))
    for mark in ("common", "own"):
        assert math.isclose(getattr(one, mark), getattr(two, mark), rel_tol=1e-6, abs_tol=1e-9)
    assert math.isclose(one.random.value, two.random.value, rel_tol=1e-12)


def test_the_error_of_a_sampled_score_is_that_of_a_mean_over_agents() -> None:
    agents = federation("cartpole", 3, 0.5, 0, [], hidden=())
    returns = agents.episodes(50).length.astype(float)  # CartPole pays 1 a step
    score = random_score(agents, 50)
    assert math.isclose(score.value, returns.mean(), rel_tol=1e-12)
    expected = np.sqrt(np.sum(returns.std(axis=1, ddof=1) ** 2 / 50)) / 3
    assert math.isclose(score.error, expected, rel_tol=1e-12)


def test_the_command_answers_with_the_same_numbers(fedrl: Fedrl) -> None:  # noqa: F811
    answer = fedrl("thresholds", "opposed-pair", "--kappa", "1", "--agents", "2", "--json")
    found = json.loads(answer.out)[0]
    expected = standing(federation("opposed-pair", 2, 1.0, 0, [], hidden=()), 100)
    assert found["common"] == expected.common
    assert found["own"] == expected.own > expected.common
    assert found["random"]["value"] == expected.random.value
