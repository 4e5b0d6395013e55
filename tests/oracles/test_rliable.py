"""Our aggregates beside those of rliable, on the same scores."""

import numpy as np
import pytest
from rliable import library, metrics

from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import estimates as st

SHAPES = [(1, 4), (3, 5), (10, 1), (7, 6)]


def scores(shape, seed=0):
    """(seeds, environments), rounded so that ties occur."""
    return np.round(np.random.default_rng(seed).normal(0.8, 0.4, shape), 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_interquartile_mean(shape):
    x = scores(shape)
    assert st.interquartile_mean(x.ravel()) == pytest.approx(metrics.aggregate_iqm(x))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("goal", [0.7, 1.0])
def test_optimality_gap(shape, goal):
    x = scores(shape)
    assert ag.optimality_gap(x, goal) == pytest.approx(metrics.aggregate_optimality_gap(x, goal))


@pytest.mark.parametrize("shape", SHAPES)
def test_performance_profile(shape):
    x, thresholds = scores(shape), np.linspace(0, 2, 21)
    expected = [library.run_score_deviation(x, tau) for tau in thresholds]
    np.testing.assert_allclose(ag.performance_profile(x, thresholds), expected)


def test_mean_rank_agrees_with_their_rank_distribution():
    """Theirs breaks ties at random, so the scores have none."""
    x = np.random.default_rng(7).normal(size=(5, 9, 3))  # algorithms, seeds, environments
    where = np.argsort(np.argsort(-x, axis=0), axis=0) + 1
    np.testing.assert_allclose(
        ag.ranks(x.reshape(5, -1)).mean(axis=1), where.reshape(5, -1).mean(axis=1), atol=1e-12
    )


def test_stratified_bootstrap():
    """Two sets of random resamples of the same thing: equal up to their noise."""
    x = np.random.default_rng(4).normal(size=(12, 5))
    replicates = st.resampled(list(x.T), st.interquartile_mean, seed=1, resamples=10_000)
    _, intervals = library.get_interval_estimates(
        {"x": x}, metrics.aggregate_iqm, reps=10_000, random_state=np.random.RandomState(0)
    )
    ours = np.quantile(replicates, [0.025, 0.975])
    np.testing.assert_allclose(ours, intervals["x"].ravel(), atol=0.03)
    # what a report prints is wider, for the seeds are few
    low, high = st.expanded(replicates, [12] * 5)
    assert low < ours[0] < ours[1] < high
