"""Our survival statistics beside those of lifelines, on the same censored times."""

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter, LogNormalAFTFitter
from lifelines.utils import restricted_mean_survival_time

from fedrl.reports.statistics import censored_normal as cn
from fedrl.reports.statistics import survival as sv

BUDGET = 6.0


def seen(seed, runs=30):
    """Exponential times on a grid, so that ties occur, censored at the budget."""
    times = np.ceil(4 * np.random.default_rng(seed).exponential(4.0, runs)) / 4
    return sv.observed(times, np.full(runs, BUDGET))


@pytest.mark.parametrize("seed", range(5))
def test_kaplan_meier_and_its_median(seed):
    ours = seen(seed)
    theirs = KaplanMeierFitter().fit(ours.time, ours.hit)
    times, surviving = sv.kaplan_meier(ours)
    np.testing.assert_allclose(surviving, theirs.predict(times), atol=1e-12)
    assert sv.median_time(ours) == theirs.median_survival_time_


@pytest.mark.parametrize("seed", range(5))
def test_restricted_mean(seed):
    ours = seen(seed)
    theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(ours.time, ours.hit), t=BUDGET)
    assert sv.restricted(ours, BUDGET).mean() == pytest.approx(theirs)


@pytest.mark.parametrize("censored", [0.0, 0.3, 0.6])
def test_log_normal_accelerated_failure_times(censored):
    draw = np.random.default_rng(9)
    x = np.log(draw.choice([1, 2, 4, 8], 150))
    e = np.log(draw.choice([10, 100], 150))
    y = 1 - 0.9 * x + 1.5 * e + 0.5 * draw.normal(size=150)
    bound = np.quantile(y, 1 - censored)
    hit, y = y <= bound, np.minimum(y, bound)
    frame = pd.DataFrame({"T": np.exp(y), "hit": hit, "x": x, "e": e})
    theirs = LogNormalAFTFitter(penalizer=0.0).fit(frame, "T", "hit")
    design = np.stack([x, e, np.ones(150)], axis=1)
    sample = cn.Sample(design, y, hit, np.ones(150))
    ours = cn.maximise(sample)
    mu = theirs.params_["mu_"]
    np.testing.assert_allclose(ours.beta, mu[["x", "e", "Intercept"]], atol=2e-3)
    assert ours.sigma == pytest.approx(np.exp(theirs.params_["sigma_", "Intercept"]), rel=2e-3)
    # theirs is the density of T, ours that of log T: dT = T d log T for every hit
    assert ours.log_likelihood - y[hit].sum() == pytest.approx(theirs.log_likelihood_, abs=1e-3)
    errors = np.sqrt(cn.variance(sample, ours))
    np.testing.assert_allclose(
        errors, theirs.standard_errors_["mu_"][["x", "e", "Intercept"]], rtol=0.02
    )
