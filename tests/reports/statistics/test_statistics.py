"""Laws of the statistics: closed forms, invariances, and what censoring does to estimates."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats as scipy_stats

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.table.specification import Specification

INF = float("inf")
scores = some.lists(some.floats(-100, 100, width=32), min_size=1, max_size=30)


def bootstrap(sample, statistic=st.mean, **options):
    options = {"seed": 7, "resamples": 500, "level": 0.95} | options
    return st.estimate(sample, statistic, **options)


# Interquartile mean


def test_interquartile_mean_drops_a_quarter_at_each_end():
    assert st.interquartile_mean([100, 1, 2, 3, -50, 4, 5, 9]) == (2 + 3 + 4 + 5) / 4
    assert st.interquartile_mean([-1e9, 1, 2, 3, 1e9]) == 2
    assert st.interquartile_mean([1.0, 5.0, 9.0]) == 5  # fewer than four: the mean


@given(scores, some.randoms())
def test_interquartile_mean_ignores_order_and_lies_inside(values, shuffle):
    mixed = list(values)
    shuffle.shuffle(mixed)
    iqm = st.interquartile_mean(values)
    assert iqm == pytest.approx(st.interquartile_mean(mixed), abs=1e-9)
    assert min(values) - 1e-9 <= iqm <= max(values) + 1e-9


def test_interquartile_mean_over_runs_and_tasks_pools_them():
    values = np.arange(24.0).reshape(4, 6)
    assert st.interquartile_mean(values.ravel()) == np.mean(np.arange(6.0, 18.0))
    np.testing.assert_allclose(st.interquartile_mean(values, 0), values[1:3].mean(axis=0))


# Bootstrap


def test_bootstrap_of_a_constant_has_no_width():
    assert bootstrap([3.0] * 6) == (3, 3, 3)


def test_bootstrap_of_one_seed_has_no_interval():
    value, low, high = bootstrap([3.0])
    assert value == 3
    assert np.isnan([low, high]).all()


def test_bootstrap_is_a_function_of_its_seed():
    sample = np.random.default_rng(0).normal(size=8)
    assert bootstrap(sample, seed=1) == bootstrap(sample, seed=1)
    assert bootstrap(sample, seed=1) != bootstrap(sample, seed=2)


def test_bootstrap_resamples_inside_strata():
    # between strata the values differ by 100, inside they do not differ: nothing is left to vary
    strata = [np.zeros(5), np.full(5, 100.0)]
    assert st.stratified_interval(strata, st.mean, seed=0) == (50, 50)
    low, high = st.stratified_interval([np.concatenate(strata)], st.mean, seed=0)
    assert high - low > 20


def test_bootstrap_of_curves_is_pointwise():
    curves = np.random.default_rng(1).normal(size=(6, 3))
    low, high = st.stratified_interval([curves], st.interquartile_mean, seed=5)
    alone = st.stratified_interval([curves[:, 1]], st.interquartile_mean, seed=5)
    assert (low[1], high[1]) == alone
    assert low.shape == high.shape == (3,)


# Coverage: 2000 trials have a standard error of 0.5 %, so 93 % and 97 % are four of them away


def coverage(draw, statistic, truth, trials=2000, resamples=400):
    """Share of intervals, of samples drawn by `draw(generator)`, that hold the truth."""
    generator, inside = np.random.default_rng(3), 0
    for trial in range(trials):
        low, high = st.stratified_interval(
            draw(generator), statistic, seed=trial, resamples=resamples
        )
        inside += low <= truth <= high
    return inside / trials


@pytest.mark.parametrize("statistic", [st.mean, st.interquartile_mean])
@pytest.mark.parametrize(
    ("seeds", "settings"), [(10, 1), (10, 4), pytest.param(20, 1, marks=pytest.mark.long)]
)
def test_bootstrap_covers_with_ten_seeds_or_more(statistic, seeds, settings):
    found = coverage(lambda g: list(g.normal(size=(settings, seeds))), statistic, 0)
    assert 0.93 <= found <= 0.97


def test_bootstrap_covers_nearly_with_five_seeds_and_not_with_three():
    """What the page says: with three there are ten different resamples, and they are too few."""
    assert 0.91 <= coverage(lambda g: [g.normal(size=5)], st.mean, 0, resamples=2000) <= 0.95
    assert 0.71 <= coverage(lambda g: [g.normal(size=3)], st.mean, 0) <= 0.79


def test_plain_percentiles_undercover_which_is_why_they_are_expanded():
    generator, inside = np.random.default_rng(3), 0
    for trial in range(1000):
        sample = [generator.normal(size=5)]
        low, high = np.quantile(
            st.resampled(sample, st.mean, seed=trial, resamples=400), [0.025, 0.975]
        )
        inside += low <= 0 <= high
    assert inside / 1000 < 0.87


def test_bootstrap_of_censored_times_covers():
    """RMST of twenty exponential times, three in ten of them censored."""
    budget = -np.log(0.3)

    def draw(generator):
        times = generator.exponential(size=20)
        return [sv.restricted(sv.observed(times, np.full(20, budget)), budget)]

    assert 0.93 <= coverage(draw, st.mean, 0.7) <= 0.97  # ∫ S = 1 − S(B)


def test_the_tail_of_one_stratum_is_that_of_the_t_interval():
    """mean ± t s/√n, where the resamples' own spread is s √((n − 1)/n) / √n."""
    for seeds in (4, 10, 50):
        t = scipy_stats.t.ppf(0.975, seeds - 1)
        bound = -scipy_stats.norm.ppf(st.tail([seeds])) * np.sqrt((seeds - 1) / seeds)
        assert bound == pytest.approx(t)
    assert st.tail([10**6]) == pytest.approx(0.025, abs=1e-5)
    assert st.tail([10] * 4) > st.tail([10])


def test_specification_seeds_by_what_it_says():
    assert Specification().seed == Specification().seed
    assert Specification().seed != dataclasses.replace(Specification(), window=4).seed


# Wilson


def test_wilson_closed_forms():
    z2 = 1.959963984540054**2
    assert st.wilson(0, 5) == pytest.approx((0, z2 / (5 + z2)))
    assert st.wilson(5, 5) == pytest.approx((5 / (5 + z2), 1))
    assert np.isnan(st.wilson(0, 0)).all()


@given(some.integers(1, 60).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n))))
def test_wilson_agrees_with_scipy(case):
    hits, runs = case
    expected = scipy_stats.binomtest(hits, runs).proportion_ci(method="wilson")
    assert st.wilson(hits, runs) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("runs", [5, 10, 20, 50])
def test_wilson_covers(runs):
    """Exactly, by summing over the binomial: on average over p, and never far below."""
    p = np.linspace(0.02, 0.98, 97)
    bounds = np.array([st.wilson(hits, runs) for hits in range(runs + 1)])
    inside = (bounds[:, :1] <= p) & (p <= bounds[:, 1:])
    found = (scipy_stats.binom.pmf(np.arange(runs + 1)[:, None], runs, p) * inside).sum(axis=0)
    assert 0.93 <= found.mean() <= 0.97
    assert found.min() > 0.82


# Area under the curve, held at the end


def test_area_of_a_line_is_its_middle():
    assert st.area_under_curve([0, 10], [0, 1], 10) == 0.5
    assert st.area_under_curve([0, 10], [0, 1], 5) == 0.25  # cut at the budget
    assert st.area_under_curve([0, 10], [0, 1], 20) == 0.75  # held after the last point
    assert st.area_under_curve([4], [3.0], 20) == 3
    assert st.area_under_curve([5, 15], [0, 1], 15) == 0.5  # starts where the curve does


@given(some.floats(-5, 5), some.floats(0.1, 5), some.integers(2, 12))
def test_area_is_linear_in_the_score(shift, scale, points):
    steps = np.cumsum(np.arange(1.0, points + 1))
    score = np.sin(steps)
    area = st.area_under_curve(steps, score, steps[-1])
    moved = st.area_under_curve(steps, shift + scale * score, steps[-1])
    assert moved == pytest.approx(shift + scale * area)


def test_held_at_the_end():
    climb = [0, 0, 0, 10, 10, 10]
    assert st.held_at_the_end(climb, random=0)
    assert st.held_at_the_end([*climb, 9.2, 9.2, 9.2], random=0)
    assert not st.held_at_the_end([*climb, 8.5, 8.5, 8.5], random=0)
    assert not st.held_at_the_end([*climb, 0, 0, 0], random=0)
    assert st.held_at_the_end([0, 0, 0, 30, 0, 0, 0, 10, 10, 10], random=0)  # one spike is no gain
    assert st.held_at_the_end([4.0], random=0)


@given(scores, some.floats(-100, 100, width=32), some.floats(-1000, 1000))
def test_holding_does_not_depend_on_where_zero_is(values, random, shift):
    moved = np.asarray(values) + shift
    gain = max(np.convolve(values, np.ones(min(3, len(values))) / min(3, len(values)), "valid"))
    margins = np.mean(values[-3:]) - gain + 0.1 * max(gain - random, 0)
    if abs(margins) > 1e-6:  # not on the edge, where rounding decides
        assert st.held_at_the_end(values, random) == st.held_at_the_end(moved, random + shift)


# Pairs


def test_probability_of_improvement_counts_ties_half():
    assert st.probability_of_improvement([1, 2, 3, 4], [0, 2, 4, 1]) == (1 + 0.5 + 0 + 1) / 4


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3)), min_size=1))
def test_probability_of_improvement_is_antisymmetric(pairs):
    x, y = zip(*pairs, strict=True)
    both = st.probability_of_improvement(x, y) + st.probability_of_improvement(y, x)
    assert both == pytest.approx(1)


# Hitting times


def test_a_hit_is_sustained():
    steps = [0, 10, 20, 30, 40, 50]
    assert sv.hitting_time(steps, [0, 1, 0, 1, 1, 1], 1) == 30
    assert sv.hitting_time(steps, [0, 1, 1, 1, 0, 0], 1) == 10  # may be lost again later
    assert sv.hitting_time(steps, [0, 1, 1, 0, 1, 0], 1) == INF
    assert sv.hitting_time(steps, [1, 1, 1, 0, 0, 0], 1) == 0


def test_at_the_end_what_is_left_of_the_window_counts():
    assert sv.hitting_index([0, 0, 0, 1], 1) == 3
    assert not sv.confirmed(3, 4)
    assert sv.hitting_index([0, 0, 1, 1], 1) == 2
    assert sv.hitting_index([0, 1, 1, 1], 1) == 1
    assert sv.confirmed(1, 4)
    assert sv.hitting_index([1], 1) == 0
    assert sv.hitting_index([0, 0, 1, 0], 1) is None


def test_a_diverged_run_never_hits():
    assert sv.hitting_time([0, 1, 2, 3], [1, 1, 1, 1], 1, diverged=True) == INF


def test_nan_is_below_every_target():
    assert sv.hitting_time([0, 1, 2], [np.nan] * 3, -1e9) == INF


@given(scores, some.floats(-100, 100), some.floats(0, 50))
def test_a_harder_target_is_not_hit_sooner(values, threshold, more):
    steps = np.arange(len(values))
    easy = sv.hitting_time(steps, values, threshold)
    assert easy <= sv.hitting_time(steps, values, threshold + more)


def test_targets_go_from_random_to_reference():
    assert sv.target(10, 2, 0) == 10
    assert sv.target(10, 2, 1) == 2
    assert sv.target(10, 2, 0.25) == 8


def test_decades_lie_below_the_initial_value():
    assert sv.decades_below(0.3, 3) == (0.1, 0.01, 0.001)
    assert sv.decades_below(0.1, 2) == (0.01, 0.001)
    assert sv.decades_below(5, 2) == (1, 0.1)
    assert sv.decades_below(float("nan"), 2) == sv.decades_below(0, 2) == ()


def test_half_decades_hold_the_decades_and_stay_below_the_start() -> None:
    for initial in (0.3, 0.188, 0.0687, 5.0, 1.0):
        halves, tens = sv.half_decades_below(initial, 4), sv.decades_below(initial, 4)
        assert set(tens) <= set(halves)
        assert halves[-1] == tens[-1]
        assert halves[0] < initial
        ratios = [upper / lower for upper, lower in zip(halves, halves[1:], strict=False)]
        assert all(2.999 < ratio < 3.334 for ratio in ratios)
    assert sv.half_decades_below(0.5, 2) == (0.3, 0.1, 0.03, 0.01)
    assert sv.half_decades_below(float("nan"), 2) == sv.half_decades_below(0, 2) == ()


# Censored times

times = some.lists(some.one_of(some.integers(0, 40).map(float), some.just(INF)), min_size=1)


@given(times, some.integers(1, 40))
def test_censored_runs_are_never_dropped(hitting, budget):
    seen = sv.observed(hitting, [budget] * len(hitting))
    assert len(seen.time) == len(seen.hit) == len(hitting)
    censored = sum(t > budget for t in hitting)
    assert seen.hits + censored == len(hitting)
    # without any censored run the restricted mean can only be smaller
    kept = seen.time[seen.hit]
    if 0 < len(kept) < len(hitting):
        assert sv.restricted(seen, budget).mean() >= kept.mean()
        assert sv.expected_running_time(seen) >= kept.mean()


@given(times, some.integers(1, 40), some.randoms())
def test_order_of_runs_does_not_matter(hitting, budget, shuffle):
    mixed = list(hitting)
    shuffle.shuffle(mixed)
    one, two = (sv.observed(t, [budget] * len(t)) for t in (hitting, mixed))
    for left, right in zip(sv.kaplan_meier(one), sv.kaplan_meier(two), strict=True):
        np.testing.assert_array_equal(left, right)
    assert sv.median_time(one) == sv.median_time(two)
    assert sv.expected_running_time(one) == pytest.approx(sv.expected_running_time(two))


@settings(max_examples=60)
@given(some.lists(some.tuples(some.integers(1, 20), some.booleans()), min_size=2, max_size=20))
def test_kaplan_meier_agrees_with_scipy(pairs):
    seen = sv.Observed(np.array([float(t) for t, _ in pairs]), np.array([hit for _, hit in pairs]))
    if not seen.hits:
        assert len(sv.kaplan_meier(seen)[0]) == 0
        return
    data = scipy_stats.CensoredData(uncensored=seen.time[seen.hit], right=seen.time[~seen.hit])
    expected = scipy_stats.ecdf(data).sf
    points, surviving = sv.kaplan_meier(seen)
    np.testing.assert_allclose(surviving, expected.evaluate(points), atol=1e-12)


def test_median_time():
    assert sv.median_time(sv.observed([1, 2, 3, INF, INF], [9] * 5)) == 3
    assert sv.median_time(sv.observed([1, 2, INF, INF, INF], [9] * 5)) == INF
    assert sv.median_time(sv.observed([1, 2, INF, INF], [9] * 4)) == 2
    # one late hit of the longest run would take Kaplan-Meier to zero; the common budget forbids it
    late = sv.observed([12, INF, INF], [12, 9, 9])
    assert sv.median_time(late) == 12
    assert sv.median_time(late, budget=9) == INF


def test_restricted_mean_is_the_area_under_kaplan_meier():
    seen = sv.observed([1, 4, 4, INF, 8], [10] * 5)
    points, surviving = sv.kaplan_meier(seen)
    edges = np.concatenate([[0], points, [10]])
    area = float(np.sum(np.diff(edges) * np.concatenate([[1], surviving])))
    assert sv.restricted(seen, 10).mean() == pytest.approx(area) == pytest.approx(27 / 5)


def test_restricted_mean_refuses_a_budget_some_run_did_not_have():
    with pytest.raises(ValueError, match="censored before the common budget"):
        sv.restricted(sv.observed([INF, 2], [5, 10]), 10)


def test_expected_running_time():
    assert sv.expected_running_time(sv.observed([2, 4, INF], [10] * 3)) == (2 + 4 + 10) / 2
    assert sv.expected_running_time(sv.observed([INF] * 3, [10] * 3)) == INF
    # independent restarts of a geometric trial: one step each, success p, takes 1/p steps
    tries = sv.observed([1, INF, INF, INF], [1] * 4)
    assert sv.expected_running_time(tries) == 4


def test_bias_under_censoring():
    """RMST and ERT are right on average when half the runs are censored; dropping them is not."""
    draw, budget, trials = np.random.default_rng(11), 1.0, 4000
    hitting = draw.exponential(1 / np.log(2), size=(trials, 10))  # P(T > 1) = 1/2
    expected = 0.5 / np.log(2)  # E min(T, 1) of an exponential of rate log 2
    seen = [sv.observed(row, np.full(10, budget)) for row in hitting]
    rmst = np.array([sv.restricted(one, budget).mean() for one in seen])
    dropped = np.array([one.time[one.hit].mean() for one in seen if one.hits])
    assert rmst.mean() == pytest.approx(expected, abs=4 * rmst.std() / np.sqrt(trials))
    assert dropped.mean() < 0.65 * expected
    pooled = sv.observed(hitting.ravel(), np.full(hitting.size, budget))
    # restarting after the budget: E T of the memoryless law itself, 1 / rate
    assert sv.expected_running_time(pooled) == pytest.approx(1 / np.log(2), rel=0.03)
