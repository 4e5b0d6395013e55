"""Laws of comparisons: over environments, between censored times, many at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats as scipy_stats

from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import hypotheses as hy

INF = float("inf")
shares = some.lists(some.floats(0, 1), min_size=1, max_size=12)


def test_optimality_gap_counts_no_gain_beyond_the_goal():
    assert ag.optimality_gap([[0.5, 2.0], [1.0, 0.0]]) == (0.5 + 0 + 0 + 1) / 4
    assert ag.optimality_gap([3.0], goal=4.0) == 1


@given(shares)
def test_the_area_under_a_performance_profile_is_the_mean(values):
    grid = (np.arange(2000) + 0.5) / 2000
    area = ag.performance_profile(values, grid).mean()
    assert area == pytest.approx(np.mean(values), abs=1e-3)
    assert 1 - area == pytest.approx(ag.optimality_gap(values), abs=1e-3)


def test_performance_profile_is_a_strict_share():
    assert ag.performance_profile([0, 1, 1, 3], [-1, 0, 1, 3]).tolist() == [1, 0.75, 0.25, 0]


def test_solved_problems():
    times = [[2.0, 4.0, INF], [10.0, 30.0, INF]]
    shown = ag.solved(times, [[2.0], [10.0]], [0.5, 1, 2, 3])
    assert shown.sum(axis=(1, 2)).tolist() == [0, 2, 3, 4]
    # what no reference solves counts as unsolved, and never is not soon
    assert not ag.solved([1.0, INF], [INF, INF], [1, 1e9]).any()


@given(some.lists(some.lists(some.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=5))
def test_ranks_add_up_and_ties_share(scores):
    ranks = ag.ranks(scores).mean(axis=1)
    assert ranks.mean() == pytest.approx((len(scores) + 1) / 2)
    tied = ag.ranks([[3, -INF], [3, -INF], [1, -INF]]).mean(axis=1)
    assert tied.tolist() == [1.75, 1.75, 2.5]


@pytest.mark.parametrize("pairs", [1, 5, 6, 8])
def test_fewer_than_six_pairs_that_all_agree_are_no_evidence(pairs):
    """2 of the 2ⁿ flips are as far out as n differences of one sign."""
    p = hy.sign_flip(np.arange(1.0, pairs + 1), seed=0)
    assert p == 2 / 2**pairs
    assert (p < 0.05) == (pairs >= hy.FEWEST)


@given(some.lists(some.integers(-9, 9), max_size=9))
def test_sign_flip_agrees_with_scipy(differences):
    d = np.array(differences, dtype=float)
    p = hy.sign_flip(d, seed=0)
    assert p == hy.sign_flip(-d, seed=0)
    if len(d) > 1 and d.any():
        theirs = scipy_stats.permutation_test(
            (d,), np.sum, permutation_type="samples", n_resamples=np.inf
        )
        assert p == pytest.approx(theirs.pvalue)
    elif not d.any():
        assert p == 1


def test_sign_flip_has_its_level_with_and_without_enumeration():
    draw = np.random.default_rng(2)
    for pairs, most in ((10, 14), (10, 4)):
        times = np.minimum(draw.exponential(size=(1500, 2, pairs)), 1.0)
        d = times[:, 0] - times[:, 1]
        p = [hy.sign_flip(row, seed=i, most=most, draws=1000) for i, row in enumerate(d)]
        assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.065


def test_holm_closed_form():
    # the second 0.04 would be 0.04 · 1, and may not undercut the 0.06 before it
    np.testing.assert_allclose(hy.holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    assert hy.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert len(hy.holm([])) == 0


@given(shares)
def test_holm_lies_between_nothing_and_bonferroni(p):
    adjusted = hy.holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_holm_keeps_the_chance_of_any_false_rejection():
    p = np.random.default_rng(4).random((4000, 10))
    wrong = np.mean([hy.holm(row).min() < 0.05 for row in p])
    assert 0.04 <= wrong <= 0.06
    assert np.mean(p.min(axis=1) < 0.05) > 0.35


def test_ratio_of_means_of_proportional_pairs_has_no_width():
    theirs = np.array([1.0, 5.0, 2.0, 9.0])
    np.testing.assert_allclose(hy.ratio_of_means(3 * theirs, theirs, seed=1), [3, 3, 3])
    alone = hy.ratio_of_means([2.0], [4.0], seed=1)
    assert alone.value == 0.5
    assert np.isnan(alone[1:]).all()


def test_ratio_of_restricted_means_covers():
    draw, inside = np.random.default_rng(6), 0
    for trial in range(400):
        shared = draw.exponential(size=20)
        ours, theirs = (
            np.minimum(scale * (shared + draw.exponential(size=20)), 2.0) for scale in (0.5, 1.0)
        )
        # E min(G/2, 2) / E min(G, 2), G the sum of two exponentials of rate 1
        truth = (1 - 3 * np.exp(-4.0)) / (2 - 4 * np.exp(-2.0))
        _, low, high = hy.ratio_of_means(ours, theirs, seed=trial, resamples=400)
        inside += low <= truth <= high
    assert 0.93 <= inside / 400 <= 0.97
