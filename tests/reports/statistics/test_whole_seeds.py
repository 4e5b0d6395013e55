"""Laws of intervals over several settings: a seed is redrawn with all of its runs."""

import numpy as np
import pytest
from coverage_of_intervals import coverage
from hypothesis import given
from hypothesis import strategies as some

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import whole_seeds as ws

OPTIONS = {"resamples": 400}


def test_runs_of_a_seed_stay_together():
    """Opposite runs of a seed cancel: nothing is left to vary, where single runs would."""
    one = np.array([1.0, -2.0, 5.0, 3.0])
    assert ws.interval([range(4)] * 2, [one, -one], st.mean, seed=0) == (0, 0)
    low, high = st.stratified_interval([one, -one], st.mean, seed=0)
    assert high - low > 1


def test_one_setting_is_the_plain_bootstrap():
    sample = np.random.default_rng(0).normal(size=9)
    plain = st.stratified_interval([sample], st.interquartile_mean, seed=4)
    assert ws.interval([range(9)], [sample], st.interquartile_mean, seed=4) == plain


@given(some.lists(some.sets(some.integers(0, 7), min_size=1), min_size=1, max_size=4))
def test_redrawing_keeps_the_size_of_every_setting(names):
    """Each group has the seeds of the same settings, and every run is in one group."""
    seeds = [sorted(own) for own in names]
    groups = ws.clusters(seeds)
    places = np.concatenate([group.ravel() for group in groups])
    assert sorted(places) == list(range(sum(map(len, seeds))))
    stratum = np.repeat(np.arange(len(seeds)), [len(own) for own in seeds])
    flat = np.concatenate(seeds)
    for group in groups:
        assert (stratum[group] == stratum[group][0]).all()
        assert all(len(set(flat[row])) == 1 for row in group)


@given(
    some.lists(some.sets(some.integers(0, 7), min_size=1), min_size=1, max_size=4),
    some.integers(0, 99),
)
def test_the_quick_mean_is_the_mean(names, seed):
    seeds = [sorted(own) for own in names]
    values = np.random.default_rng(seed).normal(size=(4, 8, 3))
    strata = [values[i, own] for i, own in enumerate(seeds)]
    slow = ws.interval(seeds, strata, st.mean, seed=seed, **OPTIONS)
    np.testing.assert_allclose(ws.mean_interval(seeds, strata, seed=seed, **OPTIONS), slow)


def test_one_seed_has_no_interval():
    assert np.isnan(ws.mean([[3], [3]], [np.ones(1), np.ones(1)], seed=0)[1:]).all()
    assert np.isnan(ws.mean([], [], seed=0)).all()


def test_a_difference_within_pairs_has_no_width_where_every_pair_differs_alike():
    x = np.random.default_rng(1).normal(size=(3, 6))
    pairs = [np.stack([row + 2, row], axis=1) for row in x]
    np.testing.assert_allclose(ws.difference([range(6)] * 3, pairs, seed=0), 2)


def test_whole_seeds_cover_where_single_runs_do_not():
    """1000 trials have a standard error of 0.7 %; the long simulation is in tests/thorough."""

    def whole(seeds, strata, trial):
        return ws.interval(seeds, strata, st.mean, seed=trial, **OPTIONS)

    def single(seeds, strata, trial):
        return st.stratified_interval(strata, st.mean, seed=trial, **OPTIONS)

    assert 0.92 <= coverage(whole, 0.6, trials=1000) <= 0.975
    assert coverage(single, 0.6, trials=1000) == pytest.approx(0.76, abs=0.04)
