"""Coverage of the nominal 95 % of what the reports print of several settings together."""

from itertools import product

import numpy as np
import pytest
from coverage_of_intervals import coverage

from fedrl.benchmark.config.spaces.design import Design
from fedrl.benchmark.sensitivity.importance import importance, with_interval
from fedrl.reports.comparison.rankings import race
from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.statistics import whole_seeds as ws
from fedrl.reports.table.surfaces.design import Surface

pytestmark = pytest.mark.long

TRIALS = 1500  # standard error 0.6 %
OPTIONS = {"resamples": 600}
MEAN_SHORTFALL = 1 / np.sqrt(2 * np.pi)  # E max(−z, 0) of a standard normal z


def middle(seeds, strata, trial):
    """Area and final score of the leaderboard."""
    return ws.interquartile(seeds, strata, seed=trial, **OPTIONS)[1:]


def gap(seeds, strata, trial):
    """Optimality gap of the standing."""
    short = [ag.shortfall(x, 0.0) - MEAN_SHORTFALL for x in strata]
    return ws.mean(seeds, short, seed=trial, **OPTIONS)[1:]


def profile(seeds, strata, trial):
    """One point of a performance profile, half of the runs above it."""
    return ws.mean_interval(seeds, [(x > 0) - 0.5 for x in strata], seed=trial, **OPTIONS)


def behind(seeds, strata, trial):
    """The paired difference of areas: both sides share what a seed has in common."""
    generator = np.random.default_rng(trial)
    pairs = [np.stack([x, x + generator.normal(size=len(x))], axis=1) for x in strata]
    return ws.difference(seeds, pairs, seed=trial, **OPTIONS)[1:]


def ranks(seeds, strata, trial):
    """Mean rank among three that are alike."""
    generator = np.random.default_rng(trial)
    ranked = []
    for names, own in zip(seeds, strata, strict=True):
        entered = {0: own, 1: generator.normal(size=len(own)), 2: generator.normal(size=len(own))}
        scores = {c: dict(zip(names, values, strict=True)) for c, values in entered.items()}
        ranked.append(race(scores)[0])
    rows = [row - 2 for _, row in ranked]
    return ws.mean([names for names, _ in ranked], rows, seed=trial, **OPTIONS)[1:]


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("bounds", [middle, gap, profile, behind, ranks])
def test_intervals_over_whole_seeds_cover(bounds, correlation):
    """Ten seeds; the skewed optimality gap is the one that comes out a little short."""
    found = coverage(bounds, correlation, trials=TRIALS)
    assert 0.91 <= found <= 0.975, f"{bounds.__name__}: {found:.3f}"


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 0.945), (0.3, 0.84), (0.6, 0.76)])
def test_intervals_within_settings_do_not_cover(correlation, expected):
    """Why seeds are redrawn whole."""

    def single(seeds, strata, trial):
        return st.stratified_interval(strata, st.mean, seed=trial, **OPTIONS)

    assert coverage(single, correlation, trials=TRIALS) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("spread", [0.0, 0.5], ids=["equal settings", "settings that differ"])
def test_the_interval_of_a_split_estimate_is_neither_short_nor_long(spread):
    """Φ of 4 environments, 9 settings, 10 seeds, noise of deviation 1; its own mean is the truth.

    As wide as 3.9 deviations of the estimate would be exact for a normal one.
    """
    generator = np.random.default_rng(1)
    centre = spread * generator.standard_normal((4, 9))

    def gammas(trials):
        return centre[:, :, None] + generator.standard_normal((trials, 4, 9, 10))

    def estimate(gamma, trial, resamples):
        return ss.estimated(gamma, ss.sensitivity, seed=trial, resamples=resamples)

    truth = np.mean([estimate(gamma, t, 0).value for t, gamma in enumerate(gammas(500))])
    found = [estimate(gamma, t, 100) for t, gamma in enumerate(gammas(150))]
    inside = np.mean([one.low <= truth <= one.high for one in found])
    width = np.mean([one.high - one.low for one in found]) / np.std([one.value for one in found])
    assert inside >= 0.92
    assert 3.3 <= width <= 5.2


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_intervals_of_importance_cover_what_is_estimated_and_noise_evens_importance_out(noise):
    """A known function of 4 × 3 × 3 settings, 8 seeds; the estimate's own mean is the truth.

    Without noise η has nearly all importance; the estimate is less the more noise there is.
    """
    values = {"step_size": [0.25, 0.5, 1.0, 2.0], "local_steps": [1, 4, 16], "beta": [0.1, 0.4, 1]}
    names, settings = tuple(values), np.array(list(product(*values.values())), dtype=float)
    none = np.empty((1, len(settings), 0))
    surface = Surface("fedsvrpg-m", names, settings, (), none, none.astype(bool), ())
    design = Design.model_validate({"space": {n: {"values": v} for n, v in values.items()}})
    shares = importance(surface, design)
    effect = np.log2(settings[:, 0]) + 0.2 * np.log2(settings[:, 1])
    generator = np.random.default_rng(2)

    def trial():
        drawn = effect[:, None] + noise * np.sqrt(8) * generator.standard_normal((len(effect), 8))
        return with_interval(shares, drawn, generator)

    value, low, high = (np.array(part) for part in zip(*(trial() for _ in range(150)), strict=True))
    truth, mean = shares(effect), value.mean(axis=0)
    assert truth[0] > 0.9
    assert mean[0] < truth[0] - 0.2 * noise
    assert ((low <= value) & (value <= high)).all()
    inside = ((low <= mean) & (mean <= high)).mean(axis=0)
    assert (inside >= 0.92).all(), inside
