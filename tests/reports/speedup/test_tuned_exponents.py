"""Laws of settings that are chosen on one half of the seeds and scored on the other."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fedrl.reports.drawing.figures import Look
from fedrl.reports.speedup import section as speedup_section
from fedrl.reports.speedup.grids import shortest
from fedrl.reports.speedup.tuned_section import parts
from fedrl.reports.statistics import censored_normal as cn
from fedrl.reports.statistics import clusters, cross_fitting
from fedrl.reports.table.records import families
from fedrl.reports.table.specification import Specification

AGENTS, EPSILONS, SEEDS, SETTINGS = (1, 2, 4, 8, 16), (0.1, 0.01), 10, 9


def world(trials: int, noise: float, valley: int, seed: int = 3) -> tuple[Any, Any]:
    """min(T, B) and hits of runs with b = -1, ρ = 3/2 at their best step size: (t, N, E, G, M).

    T = e³ N⁻¹ ε^(-3/2) exp(1.5 max(|m - m*(N)| - valley, 0)) e^(shocks): step sizes 2^m, the best
    one proportional to N and 2 valley others as good; shocks of runs fall as N^(-1/2), as averages
    over agents do, and seeds have shocks of their own. A fifth of the hardest runs is censored.
    """
    draw = np.random.default_rng(seed)
    level, setting = np.arange(len(AGENTS)), np.arange(SETTINGS)
    loss = 1.5 * np.maximum(np.abs(setting - (2 + level)[:, None]) - valley, 0)
    mean = 3 - np.log(AGENTS)[:, None, None] - 1.5 * np.log(EPSILONS)[:, None] + loss[:, None, :]
    spread = noise / np.sqrt(AGENTS)[:, None, None, None]
    runs = spread * draw.normal(size=(trials, len(AGENTS), 1, SEEDS, SETTINGS))
    every = spread * draw.normal(size=(trials, len(AGENTS), 2, SEEDS, SETTINGS))
    seeds = 0.2 * draw.normal(size=(trials, 1, 1, SEEDS, 1))
    y = mean[:, :, None, :] + runs + 0.1 * every + seeds
    budget = np.quantile(y[:, 0, -1], 0.8)
    return np.exp(np.minimum(y, budget)), y <= budget


def slopes(time: Any, hit: Any) -> tuple[Any, Any, Any]:
    """b of every trial with its interval, from attempts (t, N, E, G)."""
    n, epsilon, seed = np.meshgrid(AGENTS, EPSILONS, np.arange(SEEDS), indexing="ij")
    design = np.stack([np.ones(n.size), np.log(n.ravel()), -np.log(epsilon.ravel())], axis=1)
    flat = (len(time), -1)
    sample = cn.Sample(
        design, np.log(time).reshape(flat), hit.reshape(flat), np.ones((len(time), n.size))
    )
    fit = cn.maximise(sample)
    low, high = clusters.interval(sample, fit, 1, seed.ravel(), freedom=SEEDS // 2)
    return fit.beta[:, 1], low, high


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_best_step_size_of_every_n_shows_its_speed_up(noise):
    """Intervals cover b = -1 as often as they say; the same seeds for both find too little."""
    time, hit = world(600, noise, valley=1)
    place = cross_fitting.chosen(time)
    b, low, high = slopes(cross_fitting.at(time, place), cross_fitting.at(hit, place))
    assert abs(b.mean() + 1) < 0.01
    assert 0.93 <= np.mean((low <= -1) & (high >= -1)) <= 0.97
    naive = np.broadcast_to(cross_fitting.best(time)[..., None], place.shape)
    wrong, *_ = slopes(cross_fitting.at(time, naive), cross_fitting.at(hit, naive))
    error = wrong.std() / np.sqrt(len(wrong))
    assert wrong.mean() > -1 + 0.05 * noise + 4 * error


def test_one_step_size_for_all_is_wrong_for_the_fewest_and_for_the_most_agents():
    time, _ = world(20, 0.01, valley=0)
    shared, own = (
        cross_fitting.at(time, cross_fitting.chosen(time, axes)) for axes in ((-4, -3), ())
    )
    loss = np.log(shared / own).mean(axis=(0, 3))
    np.testing.assert_allclose(loss[[0, 2], 0], [1.5 * 2, 0], atol=0.05)


def test_no_seed_has_a_part_in_its_own_choice():
    time, _ = world(1, 1.0, valley=1)
    before = cross_fitting.chosen(time)
    for seed in range(SEEDS):
        changed = time.copy()
        changed[..., seed, :] = np.random.default_rng(seed).permuted(time[..., seed, :], axis=-1)
        assert np.array_equal(cross_fitting.chosen(changed)[..., seed], before[..., seed])
        changed[..., seed, :] = 1.0 + 1e6 * (np.arange(SETTINGS) != 0)
        assert not np.array_equal(cross_fitting.chosen(changed), before)


def test_a_choice_is_the_smallest_geometric_mean():
    time = np.array([[[4.0, 3.0], [4.0, 9.0]]])  # geometric means 4 and 5.2
    assert cross_fitting.best(time).tolist() == [0]
    assert cross_fitting.best(np.array([[2.0, 2.0]])) == 0  # the first of equals
    assert (
        cross_fitting.best(np.array([[0.0, 1.0]])) == 0
    )  # a start that meets ε takes no logarithm


def test_a_shared_choice_minimises_the_mean_over_what_shares_it():
    time, _ = world(3, 0.5, valley=0)
    shared = cross_fitting.best(time, (-3,))
    cost = np.log(time).mean(axis=(-2, -3))
    assert np.array_equal(shared, np.broadcast_to(cost.argmin(-1)[..., None], shared.shape))


def test_names_keep_what_tells_settings_apart():
    assert shortest(["lambda=1, eta=0.1", "lambda=2, eta=0.2"]) == ("eta=0.1", "eta=0.2")
    needed = ("beta=1, eta=0.1", "beta=2, eta=0.1")
    assert shortest(needed) == needed


def study(plateau: bool = False) -> Any:
    """T(ε) = 3 ε^(-3/2) max(1, (η / N)⁶) / η: η = N is best and gives b = -1; η = 1 gives b = 0.

    With `plateau` the largest η reaches every ε at once, at the score of the random policy.
    """
    rows = []
    steps = np.concatenate([[0.0], np.geomspace(1, 1e6, 119)])
    for n in (1, 2, 4):
        for eta in (1.0, 2.0, 4.0, 8.0):
            for seed in range(6):
                noise = np.exp(0.05 * np.random.default_rng([n, seed, int(2 * eta)]).normal())
                c = 3 * noise * max(1, (eta / n) ** 6) / eta
                with np.errstate(divide="ignore"):
                    gradient = np.minimum(0.5, (c / steps) ** (1 / 1.5))
                score = 1 - gradient
                if plateau and eta == 8:
                    gradient = np.where(steps > 0, 1e-9, 0.5)
                    score = np.full(len(steps), 0.4)
                rows += [
                    {"study": "tuned", "family": "random-mdp", "kappa": 0.0, "step_size": eta}
                    | {"algorithm": "fedpg", "agents": n, "seed": seed, "metric": "objective"}
                    | {"cell": f"{n}-{eta}", "round": i, "steps_per_agent": steps[i]}
                    | {"trajectories_per_agent": i, "steps_total": n * steps[i]}
                    | {"trajectories_total": n * i, "floats_up": i, "floats_down": i}
                    | {"seconds": 1.0 * i, "objective": score[i], "return": 1.0}
                    | {"return_worst": 0.0, "return_best": 1.0, "stationarity": gradient[i]}
                    | {"diverged": False, "diverged_round": np.nan}
                    | {"reference": 1.0, "reference_meaning": "optimum", "random": 0.4}
                    for i in range(len(steps))
                ]
    return pd.DataFrame(rows)


def tables(records: Any) -> tuple[str, Any, Any]:
    """What is said, the exponents, the choices."""
    (family,) = families(records)
    (_, fit, _, choices), words = parts(family, Look([family]), Specification())
    return words, fit.frame.set_index(["criterion", "tuned"]), choices.frame


@pytest.fixture(scope="module")
def plain() -> tuple[str, Any, Any]:
    return tables(study())


def test_the_report_finds_the_speed_up_that_one_step_size_hides(plain):
    words, fit, _ = plain
    for tuned_per in ("N", "N and ε"):
        assert fit.loc[("‖∇J‖²", tuned_per), "slope"] == pytest.approx(-1, abs=0.05)
    assert fit.loc[("‖∇J‖²", "N and ε"), "exponent"] == pytest.approx(1.5, abs=0.08)
    assert fit.loc[("‖∇J‖²", "N and ε"), "verdict"] == "shown"
    assert fit.loc[("‖∇J‖²", "nothing"), "slope"] == pytest.approx(0, abs=0.1)
    assert fit.loc[("‖∇J‖²", "nothing"), "verdict"] == "refuted"
    assert "tuned per N and ε b = " in words
    assert "linear speed-up is shown at these step sizes" in words


def test_the_report_names_the_step_sizes_chosen(plain):
    _, _, choices = plain
    own = choices[choices["criterion"] == "‖∇J‖²"]
    for n in (1, 2, 4):
        assert set(own[f"chosen_{n}"]) - {""} == {f"eta={n}"}


def test_the_section_has_the_tables_and_says_what_they_found(plain):
    (family,) = families(study())
    made, words = speedup_section.parts(family, Look([family]), Specification())
    names = [part.name for part in made]
    assert {"random-mdp-tuned", "random-mdp-tuned-efficiency", "random-mdp-speedup"} <= {*names}
    assert words == plain[0]


def test_one_setting_makes_no_section():
    (family,) = families(study().query("step_size == 1"))
    assert parts(family, Look([family]), Specification()) == ((), "")


def test_a_plateau_is_a_small_gradient_but_no_good_policy():
    _, fit, _ = tables(study(plateau=True))
    assert fit.loc[("‖∇J‖²", "N and ε"), "final"] == pytest.approx(0)
    assert fit.loc[("‖∇J‖²", "N and ε"), "edge"] == 1
    assert fit.loc[("‖∇J‖², score", "N and ε"), "slope"] == pytest.approx(-1, abs=0.06)
    assert fit.loc[("‖∇J‖², score", "N and ε"), "final"] > 0.9
