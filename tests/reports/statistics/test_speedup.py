"""Laws of the speed-up model: closed forms, coverage with seeds as clusters, bias of censoring."""

import numpy as np
import pytest
from scipy import special
from scipy import stats as scipy_stats

from fedrl.reports.statistics import accelerated_failure as sp
from fedrl.reports.statistics import censored_normal as cn
from fedrl.reports.statistics import clusters
from fedrl.reports.statistics.estimates import Estimate

NAN = float("nan")


def crossed(seeds, agents, epsilons):
    """(seed, N, ε) of every attempt."""
    grid = np.meshgrid(np.arange(seeds), agents, epsilons, indexing="ij")
    return [axis.ravel() for axis in grid]


def drawn(
    trials, seeds, agents, epsilons, *, by_seed, by_run, by_attempt, censored, b=-0.9, rho=1.5
):
    """Samples with shared noise per seed, per run and per attempt, and their clusters.

    The budget censors a share `censored` of the attempts at the smallest N and ε.
    """
    draw = np.random.default_rng(20)
    seed, n, epsilon = crossed(seeds, agents, epsilons)
    run = seed * len(agents) + np.searchsorted(agents, n)
    design = np.stack([np.ones(len(n)), np.log(n), -np.log(epsilon)], axis=1)
    y = design @ [3.0, b, rho] + by_attempt * draw.normal(size=(trials, len(n)))
    y += by_seed * draw.normal(size=(trials, seeds))[:, seed]
    y += by_run * draw.normal(size=(trials, seeds * len(agents)))[:, run]
    hardest = (n == min(agents)) & (epsilon == min(epsilons))
    budget = np.quantile(y[:, hardest], 1 - censored)
    return cn.Sample(design, np.minimum(y, budget), y <= budget, np.ones_like(y)), seed


def covered(bounds, truth):
    low, high = bounds
    return float(np.mean((low <= truth) & (truth <= high)))


def attempts(time, hit, agents, epsilon, seed, environment=None):
    time = np.asarray(time, dtype=float)
    where = np.full(len(time), "here") if environment is None else np.asarray(environment)
    hit = np.broadcast_to(np.asarray(hit, dtype=bool), time.shape)
    return sp.Attempts(time, hit, np.asarray(agents, float), np.asarray(epsilon), where, seed)


def example(seeds=8, b=-1.0, rho=1.5, noise=0.1, agents=(1, 2, 4, 8), epsilons=(0.1, 0.01)):
    seed, n, epsilon = crossed(seeds, agents, epsilons)
    shock = noise * np.random.default_rng(5).normal(size=len(n))
    return attempts(
        np.exp(4 + b * np.log(n) - rho * np.log(epsilon) + shock), True, n, epsilon, seed
    )


# Likelihood


def test_without_censoring_the_maximum_is_least_squares():
    sample, _ = drawn(3, 4, [1, 2, 4], [0.1], by_seed=0, by_run=0, by_attempt=0.4, censored=0)
    sample = sample._replace(design=sample.design[:, :2])
    fit = cn.maximise(sample)
    for y, beta, sigma in zip(sample.y, fit.beta, fit.sigma, strict=True):
        expected, squares, *_ = np.linalg.lstsq(sample.design, y, rcond=None)
        np.testing.assert_allclose(beta, expected, atol=1e-8)
        assert sigma**2 == pytest.approx(squares[0] / len(y))


def test_likelihood_is_the_density_of_hits_and_the_tail_of_the_censored():
    sample = cn.Sample(
        np.ones((3, 1)), np.array([1.0, 2.5, 4.0]), np.array([1, 1, 0], bool), np.ones(3)
    )
    value = cn.log_likelihood(sample, cn.point(sample, np.array([1.5 / 0.7]), np.array(1 / 0.7)))
    normal = scipy_stats.norm(1.5, 0.7)
    assert value == pytest.approx(normal.logpdf([1.0, 2.5]).sum() + normal.logsf(4.0))


def test_the_maximum_is_one():
    """The gradient of ℓ vanishes, and no other start leads elsewhere."""
    sample, _ = drawn(
        20, 5, [1, 2, 4], [0.1, 0.03], by_seed=0, by_run=0, by_attempt=0.5, censored=0.5
    )
    fit = cn.maximise(sample)
    wild = cn.Fit(fit.beta + 3, 10 * fit.sigma, fit.log_likelihood)
    np.testing.assert_allclose(cn.maximise(sample, wild).beta, fit.beta, atol=1e-5)
    for direction in np.eye(3):
        for sign in (-1, 1):
            other = (fit.beta + sign * 1e-3 * direction) / fit.sigma[:, None]
            there = cn.point(sample, other, 1 / fit.sigma)
            assert (cn.log_likelihood(sample, there) < fit.log_likelihood).all()


def test_samples_fitted_together_are_fitted_alone():
    sample, _ = drawn(
        4, 5, [1, 2, 4], [0.1, 0.03], by_seed=0, by_run=0, by_attempt=0.5, censored=0.5
    )
    together = cn.maximise(sample).beta
    for y, hit, weight, beta in zip(*sample[1:], together, strict=True):
        alone = cn.maximise(cn.Sample(sample.design, y, hit, weight))
        np.testing.assert_allclose(alone.beta, beta, atol=1e-7)


def test_variance_is_the_inverse_curvature_of_the_profile():
    sample, _ = drawn(
        5, 6, [1, 2, 4], [0.1, 0.03], by_seed=0, by_run=0, by_attempt=0.5, censored=0.5
    )
    fit = cn.maximise(sample)
    step = 1e-2 * np.sqrt(cn.variance(sample, fit)[:, 1])
    sides = [cn.profile(sample, 1, fit.beta[:, 1] + sign * step, fit) for sign in (-1, 1)]
    drop = 2 * fit.log_likelihood - sides[0].log_likelihood - sides[1].log_likelihood
    np.testing.assert_allclose(step**2 / drop, cn.variance(sample, fit)[:, 1], rtol=1e-3)


def test_profile_interval_ends_where_the_ratio_is_the_threshold():
    sample, _ = drawn(
        5, 6, [1, 2, 4], [0.1, 0.03], by_seed=0, by_run=0, by_attempt=0.5, censored=0.5
    )
    fit = cn.maximise(sample)
    for end in cn.profile_interval(sample, fit, 1, 3.84):
        held = cn.profile(sample, 1, end, fit)
        np.testing.assert_allclose(2 * (fit.log_likelihood - held.log_likelihood), 3.84, rtol=1e-6)


def test_hazard_far_out():
    z = np.array([-40.0, 0.0, 40.0, 1e4])
    rate = cn.hazard(z, special.log_ndtr(-z))
    np.testing.assert_allclose(rate, [0, np.sqrt(2 / np.pi), 40.025, 1e4], rtol=1e-4)


# Seeds as clusters


def test_balanced_and_uncensored_it_is_the_t_interval_of_the_slopes_of_seeds():
    """Without censoring b̂ is the mean of the seeds' own slopes, its variance theirs over G."""
    sample, seed = drawn(
        3, 7, [1, 2, 4], [0.1, 0.03], by_seed=0.5, by_run=0.3, by_attempt=0.1, censored=0
    )
    fit = cn.maximise(sample)
    x = sample.design[:, 1] - sample.design[:, 1].mean()
    slopes = np.stack(
        [sample.y[:, seed == s] @ x[seed == s] / np.sum(x[seed == s] ** 2) for s in range(7)]
    )
    np.testing.assert_allclose(fit.beta[:, 1], slopes.mean(axis=0), atol=1e-7)
    variance = clusters.jackknife_variance(sample, fit, seed)[:, 1]
    np.testing.assert_allclose(variance, slopes.var(axis=0, ddof=1) / 7, rtol=1e-4)


NOISES = [
    {"by_seed": 0.0, "by_run": 0.0, "by_attempt": 0.5},  # independent attempts
    {"by_seed": 0.5, "by_run": 0.0, "by_attempt": 0.3},  # seeds differ
    {"by_seed": 0.0, "by_run": 0.6, "by_attempt": 0.2},  # the ε of one run go together
]


@pytest.mark.parametrize(
    ("noise", "seeds"),
    [
        (NOISES[2], 5),
        (NOISES[1], 10),
        *(pytest.param(NOISES[n], 5, marks=pytest.mark.long) for n in (0, 1)),
        *(pytest.param(NOISES[n], 10, marks=pytest.mark.long) for n in (0, 2)),
    ],
)
def test_coverage_with_seeds_as_clusters(noise, seeds):
    sample, seed = drawn(2000, seeds, [1, 2, 4], [0.1, 0.03], **noise, censored=0.5)
    fit = cn.maximise(sample)
    for column, truth in ((1, -0.9), (2, 1.5)):
        assert 0.93 <= covered(clusters.interval(sample, fit, column, seed), truth) <= 0.97


def test_plain_profile_covers_independent_attempts_only():
    sample, _ = drawn(1000, 10, [1, 2, 4], [0.1, 0.03], **NOISES[0], censored=0.5)
    plain = cn.profile_interval(sample, cn.maximise(sample), 1, scipy_stats.chi2.ppf(0.95, 1))
    assert 0.93 <= covered(plain, -0.9) <= 0.97
    sample, _ = drawn(1000, 10, [1, 2, 4], [0.1, 0.03], **NOISES[2], censored=0.5)
    plain = cn.profile_interval(sample, cn.maximise(sample), 1, scipy_stats.chi2.ppf(0.95, 1))
    assert covered(plain, -0.9) < 0.9


def bootstrap_interval(sample, column, cluster, resamples=200):
    """Percentiles of β̂ over clusters redrawn with replacement.  Davison & Hinkley 1997, 3.8."""
    names, place = np.unique(cluster, return_inverse=True)
    even = np.full(len(names), 1 / len(names))
    weight = np.random.default_rng(3).multinomial(len(names), even, resamples)[:, place]
    sound = np.array([clusters.identified(sample._replace(weight=w * 1.0)) for w in weight])
    drawn_again = sample._replace(weight=weight[sound] * sample.weight)
    y, hit = (np.broadcast_to(v, drawn_again.weight.shape) for v in (sample.y, sample.hit))
    beta = cn.maximise(drawn_again._replace(y=y, hit=hit)).beta[:, column]
    return tuple(np.quantile(beta, [0.025, 0.975]))


def test_bootstrap_of_seeds_is_shorter():
    sample, seed = drawn(60, 5, [1, 2, 4], [0.1, 0.03], **NOISES[2], censored=0.5)
    low, high = clusters.interval(sample, cn.maximise(sample), 1, seed)
    ours = [cn.Sample(sample.design, *one) for one in zip(*sample[1:], strict=True)]
    drawn_again = [bootstrap_interval(s, 1, seed) for s in ours]
    shorter = np.array([b - a for a, b in drawn_again]) < high - low
    assert shorter.mean() > 0.9
    assert covered(np.array(drawn_again).T, -0.9) < 0.93


def test_bias_under_censoring():
    """True b = −0.9 and half of N = 1 censored: only the model with censoring is near it."""
    sample, _ = drawn(
        400, 10, [1, 2, 4, 8], [0.1], by_seed=0, by_run=0, by_attempt=0.5, censored=0.5
    )
    sample = sample._replace(design=sample.design[:, :2])
    at_budget = cn.maximise(sample._replace(hit=np.ones_like(sample.hit)))
    dropped = cn.maximise(sample._replace(weight=sample.hit.astype(float)))
    fitted = cn.maximise(sample)
    assert fitted.beta[:, 1].mean() == pytest.approx(-0.9, abs=0.01)
    assert dropped.beta[:, 1].mean() > -0.82
    assert at_budget.beta[:, 1].mean() > -0.86


# The model


def test_exponents_are_recovered_and_environments_have_levels_of_their_own():
    one, two = example(b=-1.0), example(b=-1.0)
    both = sp.Attempts(*(np.concatenate(pair) for pair in zip(one, two, strict=True)))
    second = np.arange(len(both.time)) >= len(one.time)
    both = both._replace(
        time=np.where(second, 50 * both.time, both.time),
        environment=np.where(second, "there", "here"),
    )
    alone, pooled = sp.speed_up(one), sp.speed_up(both)
    assert pooled.slope.value == pytest.approx(alone.slope.value, abs=1e-7)
    assert pooled.exponent.value == pytest.approx(alone.exponent.value, abs=1e-7)
    assert alone.slope.low < -1 < alone.slope.high
    assert alone.exponent.low < 1.5 < alone.exponent.high


@pytest.mark.parametrize("scale", [0.01, 7.0])
def test_units_of_time_do_not_matter(scale):
    here = example(noise=0.3)
    one, other = sp.speed_up(here), sp.speed_up(here._replace(time=scale * here.time))
    np.testing.assert_allclose(other.slope, one.slope, atol=1e-6)
    np.testing.assert_allclose(other.exponent, one.exponent, atol=1e-6)


def test_total_samples_have_one_more():
    here = example(noise=0.3)
    total = sp.speed_up(here._replace(time=here.time * here.agents))
    np.testing.assert_allclose(total.slope, np.add(sp.speed_up(here).slope, 1), atol=1e-6)


def test_verdicts():
    assert sp.speed_up(example(b=-1.0)).verdict == "shown"
    assert sp.speed_up(example(b=-0.5)).verdict == "refuted"
    assert sp.speed_up(example(b=-1.0, noise=2.0)).verdict == "undecided"


def test_equivalence_needs_the_whole_interval():
    wide = Estimate(-1, -1.2, -0.8)
    assert sp.equivalence(Estimate(-1, -1.1, -0.9), wide) == "shown"
    assert sp.equivalence(Estimate(-1, -1.11, -0.95), wide) == "undecided"
    assert sp.equivalence(Estimate(-0.8, -0.9, -0.7), Estimate(-0.8, -0.91, -0.6)) == "undecided"
    assert sp.equivalence(Estimate(-0.8, -0.89, -0.7), Estimate(-0.8, -0.89, -0.6)) == "refuted"
    assert sp.equivalence(Estimate(-1, NAN, NAN), Estimate(-1, NAN, NAN)) == "undecided"


def test_equivalence_is_shown_wrongly_in_at_most_one_of_twenty():
    """At the edge of the region, b = −0.9, both one-sided tests have level 5 %."""
    sample, seed = drawn(
        1000, 10, [1, 4], [0.1], by_seed=0.2, by_run=0.05, by_attempt=0, censored=0.2
    )
    sample = sample._replace(design=sample.design[:, :2])
    fit = cn.maximise(sample)
    low, high = clusters.interval(sample, fit, 1, seed, level=0.9)
    shown = [
        sp.equivalence(Estimate(-1, *ends), Estimate(-1, *ends)) == "shown"
        for ends in zip(low, high, strict=True)
    ]
    assert 0.03 <= np.mean(shown) <= 0.07


# What cannot be identified is said


def test_nothing_hit():
    fit = sp.speed_up(example()._replace(hit=np.zeros(64, bool)))
    assert fit.verdict == "not identifiable"
    assert fit.missing == "no attempt hit"
    assert np.isnan([*fit.slope, *fit.exponent, fit.spread]).all()


def test_one_n_leaves_the_exponent():
    fit = sp.speed_up(example(agents=(4,)))
    assert fit.missing == "hits at one N only"
    assert fit.verdict == "not identifiable"
    assert np.isnan(fit.slope).all()
    assert fit.exponent.value == pytest.approx(1.5, abs=0.1)


def test_one_epsilon_leaves_the_slope():
    fit = sp.speed_up(example(epsilons=(0.1,)))
    assert fit.missing == "hits at one ε only"
    assert fit.verdict == "shown"
    assert np.isnan(fit.exponent).all()


def test_hits_at_one_n_only_say_no_slope_even_beside_censored_ones():
    here = example()
    fit = sp.speed_up(here._replace(hit=here.agents == 8))
    assert np.isnan(fit.slope).all()
    assert fit.exponent.value == pytest.approx(1.5, abs=0.1)


def test_no_variation():
    fit = sp.speed_up(example(noise=0.0))
    assert fit.missing == "no variation: every hit lies on the fitted line"


def test_hits_that_do_not_tell_n_from_epsilon():
    here = example()
    hit = ((here.agents == 1) & (here.epsilon == 0.1)) | ((here.agents == 8) & (here.epsilon < 0.1))
    assert "do not tell" in sp.speed_up(here._replace(hit=hit)).missing


def test_one_seed_has_no_interval_and_one_hitting_seed_an_infinite_one():
    alone = sp.speed_up(example(seeds=1))
    assert np.isnan(alone.slope[1:]).all()
    assert alone.verdict == "undecided"
    here = example()
    hanging = sp.speed_up(here._replace(hit=here.seed == 3))
    assert hanging.slope[1:] == (-np.inf, np.inf)


def test_an_environment_nobody_solves_changes_nothing():
    one = example()
    two = one._replace(environment=np.full(64, "there"), hit=np.zeros(64, bool))
    both = sp.Attempts(*(np.concatenate(pair) for pair in zip(one, two, strict=True)))
    assert sp.speed_up(both) == sp.speed_up(one)


def test_seeds_that_start_at_the_target_are_left_out_at_every_n():
    here = example()
    start = (here.seed == 2) & (here.epsilon == 0.1)
    at_start = here._replace(time=np.where(start & (here.agents == 4), 0.0, here.time))
    assert sp.speed_up(at_start) == sp.speed_up(here.where(~start))


# Efficiency


def test_efficiency_of_a_power_law():
    found = sp.efficiencies(example(b=-0.8, noise=0.02, seeds=20))
    assert found[1] == Estimate(1, 1, 1)
    for n in (2, 4, 8):
        assert found[n].low < n**-0.2 < found[n].high
        assert found[n].value == pytest.approx(n**-0.2, rel=0.05)


def test_efficiency_without_hits_is_unknown():
    here = example()
    assert np.isnan(sp.efficiencies(here._replace(hit=here.agents < 8))[8]).all()
    assert np.isnan(sp.efficiencies(here._replace(hit=here.agents > 1))[4]).all()
    assert np.isfinite(sp.efficiencies(here._replace(hit=here.agents < 8))[4]).all()
