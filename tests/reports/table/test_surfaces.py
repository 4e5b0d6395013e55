"""Laws of surfaces: projections, diverged runs, what is missing, environments."""

import numpy as np
import pandas as pd
import pytest

from designs import VALUES, designed
from fedrl.reports.sensitivity.values_table import pairs_data, values_data, values_table
from fedrl.reports.statistics import estimates as st
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces import tuning_sensitivity as ow
from fedrl.reports.table.surfaces.design import Environment, space
from fedrl.reports.table.surfaces.from_records import surfaces
from fedrl.reports.table.surfaces.marginals import (
    axis,
    best_over_rest,
    crossed,
    kept_share,
    response,
)

SPEC = Sensitivity()
SMALL = {"families": ("gridworld",), "agents": (4,), "seeds": 4, "evaluations": 5}


@pytest.fixture(scope="module")
def records():
    return designed(**SMALL, algorithms=("fedpg", "fedhapg-m"))


@pytest.fixture(scope="module")
def found(records):
    return surfaces(records)


def named(found, algorithm):
    return next(s for s in found.surfaces if s.algorithm == algorithm)


def test_an_algorithm_has_its_projection_of_the_design(found):
    plain, momentum = named(found, "fedpg"), named(found, "fedhapg-m")
    assert momentum.names == tuple(VALUES)
    assert plain.names == tuple(name for name in VALUES if name != "beta")
    assert len(momentum.settings) == len(VALUES["beta"]) * len(plain.settings)
    assert momentum.is_grid
    assert plain.is_grid
    assert {tuple(row) for row in plain.settings} == {tuple(row[:3]) for row in momentum.settings}
    assert plain.environments == momentum.environments
    assert plain.performance.shape == (2, 36, 4)


def test_a_sobol_set_is_no_grid():
    found = surfaces(designed("sobol", **SMALL, algorithms=("fedpg",), count=32))
    assert found.surfaces[0].performance.shape == (2, 32, 4)
    assert not found.surfaces[0].is_grid


def test_performance_is_the_area_of_the_scaled_score(records, found):
    surface = named(found, "fedpg")
    budget = records["steps_per_agent"].max()
    for e, h, seed in ((0, 0, 0), (1, 20, 3), (0, 35, 1)):
        rows = records[(records["cell"] == surface.cells[e][h]) & (records["seed"] == seed)]
        rows = rows.sort_values("round")
        low, high = rows["random"].iloc[0], rows["reference"].iloc[0]
        score = (rows["objective"] - low) / (high - low)
        area = st.area_under_curve(rows["steps_per_agent"], score, budget)
        assert surface.performance[e, h, seed] == pytest.approx(area, abs=1e-12)


def test_a_diverged_run_counts_as_the_random_policy_for_the_rest(records):
    """Exactly: ∫ up to where it ended, then 0, over the whole budget; and it is not dropped."""
    surface = named(surfaces(records), "fedhapg-m")
    assert 0 < surface.diverged.mean() < 1
    budget = records["steps_per_agent"].max()
    for e, h, n in np.argwhere(surface.diverged)[:20]:
        own = (records["cell"] == surface.cells[e][h]) & (records["seed"] == n)
        rows = records[own].sort_values("round")
        low, high = rows["random"].iloc[0], rows["reference"].iloc[0]
        score = ((rows["objective"] - low) / (high - low)).to_numpy()
        steps = rows["steps_per_agent"].to_numpy()
        assert steps[-1] < budget
        area = np.trapezoid(score, steps) / budget
        assert surface.performance[e, h, n] == pytest.approx(area, abs=1e-9)


def test_a_worse_end_of_a_diverged_run_changes_only_what_was_seen(records):
    """However high the last score, nothing of it is carried on."""
    lost = records[records["diverged"]]
    config, seed = lost[["cell", "seed"]].iloc[0]
    own = records[(records["cell"] == config) & (records["seed"] == seed)]
    high = records.copy()
    high.loc[own.index[-1], "objective"] += 10.0
    before, after = named(surfaces(records), "fedhapg-m"), named(surfaces(high), "fedhapg-m")
    step = 600.0 / records["steps_per_agent"].max()
    scale = own["reference"].iloc[0] - own["random"].iloc[0]
    moved = after.performance - before.performance
    assert np.count_nonzero(moved) == 1
    assert moved.max() == pytest.approx(10.0 / scale * step / 2)  # half of one trapezium


def test_shuffled_records_give_the_same_surfaces(records, found):
    again = surfaces(records.sample(frac=1, random_state=1))
    for one, other in zip(found.surfaces, again.surfaces, strict=True):
        assert np.array_equal(one.performance, other.performance)
        assert one.cells == other.cells


def test_further_columns_part_environments(records):
    noisy = records.copy()
    noisy["reward_noise"] = 1.0
    noisy["cell"] = noisy["cell"] + "n"
    quiet = records.assign(reward_noise=0.0)
    both = surfaces(
        type(records)(np.concatenate([quiet, noisy]), columns=quiet.columns).infer_objects()
    )
    rest = [e.rest for e in both.surfaces[0].environments]
    assert rest == [(("reward_noise", v),) for v in "0101"]
    assert "reward noise = 1" in both.surfaces[0].environments[1].place


def test_what_follows_from_the_design_parts_nothing(records):
    """The hyperparameters' own columns vary within the design only."""
    assert {e.rest for e in surfaces(records).surfaces[0].environments} == {()}


def test_incomplete_settings_are_left_out_and_counted(records):
    config = records["cell"][records["algorithm"] == "fedpg"].iloc[0]
    gone = records[~((records["cell"] == config) & (records["seed"] == 2))]
    found = surfaces(gone)
    assert len(named(found, "fedpg").settings) == 35
    assert len(named(found, "fedhapg-m").settings) == 144
    assert found.left_out == ["1 settings of fedpg that were not run with every seed"]
    assert not named(found, "fedpg").is_grid


def test_a_seed_under_way_does_not_cost_the_others(records):
    last = (records["seed"] == 3) & (records.index % 7 != 0)
    configs = records["cell"].unique()[::3]
    part = records[~last & ((records["seed"] < 3) | records["cell"].isin(configs))]
    found = surfaces(part)
    assert named(found, "fedpg").performance.shape == (2, 36, 3)
    assert found.left_out == []


def test_an_environment_hardly_begun_is_left_out(records):
    begun = records["cell"][records["kappa"] == 1].unique()[:20]
    found = surfaces(records[(records["kappa"] == 0) | records["cell"].isin(begun)])
    assert found.surfaces[0].environments == (Environment("gridworld", 0.0, 4),)
    assert found.left_out == ["1 environments where fewer than half of the settings were run"]


def test_marginals_of_a_grid(found):
    surface = named(found, "fedhapg-m")
    cube = surface.means.reshape(2, *surface.shape)
    for place, name in enumerate(surface.names):
        along = axis(surface, name, SPEC)
        others = tuple(1 + i for i in range(4) if i != place)
        assert np.array_equal(along.low, VALUES[name])
        np.testing.assert_array_equal(best_over_rest(surface, along), cube.max(axis=others))
        told = response(surface, 1, along, SPEC)
        mean = cube[1].mean(axis=tuple(i for i in range(4) if i != place))
        assert [e.value for e in told.mean] == pytest.approx(list(mean))
        assert all(e.low <= e.value <= e.high for e in told.best)
        assert kept_share(surface, along).max(axis=1) == pytest.approx(1)
    value, lost = crossed(surface, 0, axis(surface, "step_size", SPEC), axis(surface, "beta", SPEC))
    np.testing.assert_array_equal(value, cube[0].max(axis=(1, 2)).T)
    share = surface.diverged.mean(axis=2).reshape(2, *surface.shape)[0].mean(axis=(1, 2)).T
    np.testing.assert_allclose(lost, share)


def test_bins_hold_equally_many_settings_and_do_not_overlap():
    surface = surfaces(designed("sobol", **SMALL, algorithms=("fedhapg-m",), count=64)).surfaces[0]
    along = axis(surface, "step_size", SPEC)
    counts = np.bincount(along.place)
    assert len(counts) == SPEC.bins
    assert counts.max() - counts.min() <= 1
    assert (along.low[1:] > along.high[:-1]).all()


def test_equal_surfaces_have_no_gamma():
    flat = designed(**SMALL, algorithms=("fedpg",), noise=0.0)
    flat["objective"] = 1.0
    with pytest.raises(ValueError, match="perform alike in every environment"):
        ow.gammas(surfaces(flat).surfaces)


def test_one_seed_gives_the_plug_in_without_interval():
    few = surfaces(designed(**SMALL | {"seeds": 1}, algorithms=("fedpg",)))
    values, kept = ow.gammas(few.surfaces)
    one = ow.owed(few.surfaces[0], values[0], kept, SPEC)
    assert one.phi.value == one.plug_in
    assert np.isnan(one.phi.low)


def test_values_are_means_of_every_setting(found):
    rows = values_data(found.surfaces, space({}), SPEC).rows
    for surface in found.surfaces:
        own = [
            row
            for row in rows
            if (row["algorithm"], row["where"]) == (surface.algorithm, "all environments")
        ]
        overall = next(row for row in own if row["hyperparameter"] == "any")
        np.testing.assert_allclose(overall["mean"], surface.performance.mean())
        assert overall["below"] == (surface.means < 0).mean()
        assert overall["mean_low"] <= overall["mean"] <= overall["mean_high"]
        assert overall["best"] == max(row["best"] for row in own)
        assert overall["best"] == pytest.approx(surface.means.max(axis=1).mean())
        for name in surface.names:  # a full grid: every value is met equally often
            here = [row for row in own if row["hyperparameter"] == name]
            assert len(here) == len(VALUES[name])
            np.testing.assert_allclose(np.mean([r["mean"] for r in here]), overall["mean"])
            inside = surface.means[:, surface.values(name) == VALUES[name][0]]
            assert here[0]["best"] == pytest.approx(inside.max(axis=1).mean())


def test_the_table_of_values_has_algorithms_side_by_side(found):
    table = values_table(found.surfaces, space({}), SPEC)
    long = values_data(found.surfaces, space({}), SPEC).rows
    values = [row["value"] for row in table.rows]
    assert len(values) == len(set(values)) == 1 + sum(map(len, VALUES.values()))
    for row in long:
        if row["where"] == "all environments":
            (wide,) = [one for one in table.rows if one["value"] == row["value"]]
            assert wide[row["algorithm"]] == row["mean"]
    without = [row for row in table.rows if row["hyperparameter"] == "beta"]
    assert all(np.isnan(row["fedpg"]) for row in without)


def test_the_table_of_values_tells_conditions_apart(records):
    noisy = records.assign(noise="t", cell=records["cell"] + "-t", objective=0.0)
    both = surfaces(pd.concat([records.assign(noise="none"), noisy], ignore_index=True))
    rows = values_table(both.surfaces, space({}), SPEC).rows
    means = {row["where"]: row["fedpg"] for row in rows if row["hyperparameter"] == "any"}
    assert list(means) == ["all environments", "noise = none", "noise = t"]


def test_values_are_told_by_family_agents_and_heterogeneity(records):
    more = records.assign(agents=8, cell=records["cell"] + "-8", objective=0.0)
    both = surfaces(pd.concat([records, more], ignore_index=True))
    rows = values_data(both.surfaces, space({}), SPEC).rows
    environments = both.surfaces[0].environments
    surface = both.surfaces[0]
    means = {
        row["where"]: row["mean"]
        for row in rows
        if row["hyperparameter"] == "any" and row["algorithm"] == surface.algorithm
    }
    assert set(means) == {
        "all environments",
        *(f"gridworld, N = {n}" for n in (4, 8)),
        *(f"gridworld, κ = {kappa}" for kappa in (0, 1)),
    }
    for agents in (4, 8):
        own = [i for i, e in enumerate(environments) if e.agents == agents]
        expected = surface.performance[own].mean()
        assert means[f"gridworld, N = {agents}"] == pytest.approx(expected)


def test_pairs_of_values_average_to_single_values(found):
    pairs = pairs_data(found.surfaces, space({}), SPEC).rows
    rows = values_data(found.surfaces, space({}), SPEC).rows
    for surface in found.surfaces:
        first, second, *_ = surface.names
        pairs_here = [row for row in pairs if row["algorithm"] == surface.algorithm]
        singles = [
            row
            for row in rows
            if (row["algorithm"], row["where"]) == (surface.algorithm, "all environments")
        ]
        others = {row["value"] for row in singles if row["hyperparameter"] == second}
        for single in (row for row in singles if row["hyperparameter"] == first):
            met = [r for r in pairs_here if r["value"] == single["value"] and r["and"] in others]
            assert len(met) == len(VALUES[second])  # a full grid
            np.testing.assert_allclose(np.mean([row["mean"] for row in met]), single["mean"])
