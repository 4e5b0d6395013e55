"""Sentences follow from numbers: each rule on tables where it holds and where it does not."""

import numpy as np
import pytest

from fedrl.reports.sensitivity import guideline as gl
from fedrl.reports.sensitivity.plane import REGIONS, region
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Environment, Space, Surface, importances
from fedrl.reports.table.surfaces.marginals import Axis, axis, kept_share
from fedrl.reports.table.surfaces.tuning_sensitivity import difference, gammas, owed

SPEC = Sensitivity(redrawn=60)  # enough for a deviation
SPACE = Space("grid", {"step_size": {"values": [1, 2, 3], "relative": True}})


def along(values, name="local_steps"):
    values = np.array(values, dtype=float)
    return Axis(name, values, values, values, np.arange(len(values)))


def surface(means, names=("beta",), values=None, diverged=None, seeds=4):
    """One algorithm from its means (E, H); without noise unless it is in the means."""
    means = np.asarray(means, dtype=float)
    count, settings = means.shape
    points = np.arange(1.0, settings + 1)[:, None] if values is None else np.array(values, float)
    lost = np.zeros((count, settings, seeds), bool)
    if diverged is not None:
        lost[:, :, 0] = diverged
    places = tuple(Environment("f", float(i), 4) for i in range(count))
    configs = tuple(tuple(f"{i}.{j}" for j in range(settings)) for i in range(count))
    runs = np.repeat(means[:, :, None], seeds, axis=2)
    return Surface("algo", tuple(names), points, places, runs, lost, configs)


def judged(one):
    values, kept = gammas([one])
    return owed(one, values[0], kept, SPEC)


def says(one, rule, importance=()):
    return [s.text for s in gl.sentences(judged(one), SPACE, importance, SPEC) if s.rule == rule]


# The range within 5 % of the best


def test_range_is_said_where_it_holds():
    kept = np.array([[0.80, 0.96, 1.00, 0.95], [0.94, 1.00, 0.97, 0.99]])
    said = gl.good_range(along([1, 2, 5, 20]), kept, SPACE, SPEC)
    assert said.text == (
        "K in [2, 20] is within 5\u202f% of the best in all 2 environments "
        "(at least 95\u202f% of the best)."
    )


def test_range_is_denied_where_no_value_is_good_everywhere():
    kept = np.array([[1.0, 0.5, 0.2], [0.2, 0.5, 1.0], [0.1, 0.3, 1.0]])
    said = gl.good_range(along([1, 2, 5]), kept, SPACE, SPEC)
    assert (
        said.text
        == "No K is within 5\u202f% of the best in all 3 environments; K = 5 is in 2 of 3."
    )


def test_everything_good_hardly_matters():
    said = gl.good_range(along([1, 2, 5], "step_size"), np.full((3, 3), 0.99), SPACE, SPEC)
    assert said.text.startswith("η hardly matters: η in [1, 5] × the family's, all that was tried")


def test_range_and_its_denial_over_random_tables():
    """What is said holds of every table it is said of, and a wider range would be false."""
    draw, both = np.random.default_rng(4), set()
    for _ in range(300):
        count, levels = draw.integers(1, 5), int(draw.integers(2, 7))
        kept = np.minimum(1, draw.uniform(0.85, 1.05, (count, levels)))
        kept[np.arange(count), draw.integers(levels, size=count)] = 1
        values = np.arange(1, levels + 1)
        text = gl.good_range(along(values), kept, SPACE, SPEC).text
        good = (kept >= 0.95).all(axis=0)
        both.add(good.any())
        if not good.any():
            assert text.startswith("No K is within")
            continue
        first = text.split(" is within")[0].split(": ")[-1].split(", all")[0]
        ends = (
            first.split("[")[1].rstrip("]").split(", ")
            if "[" in first
            else [first.split("= ")[1]] * 2
        )
        low, high = int(ends[0]) - 1, int(ends[1]) - 1
        assert good[low : high + 1].all()
        runs = "".join("x" if g else " " for g in good).split()
        assert high - low + 1 == max(map(len, runs))
        assert ("hardly matters" in text) == good.all()
    assert both == {True, False}


def test_the_least_share_is_never_rounded_up():
    kept = np.array([[1.0, 0.95999]])
    assert "at least 95.9\u202f%" in gl.good_range(along([1, 2]), kept, SPACE, SPEC).text


# Tails


def test_a_tail_costs_where_every_value_loses_everywhere():
    kept = np.array([[0.97, 1.0, 0.80, 0.60], [1.0, 0.98, 0.90, 0.70]])
    (said,) = gl.tails(along([1, 5, 10, 20]), kept, SPACE, SPEC)
    assert said.text == (
        "K > 5 costs 10\u202f% of the best or more in all 2 environments (median 25\u202f%)."
    )


def test_no_tail_where_one_environment_likes_it():
    kept = np.array([[0.97, 1.0, 0.80, 0.60], [1.0, 0.98, 0.90, 0.96]])
    assert gl.tails(along([1, 5, 10, 20]), kept, SPACE, SPEC) == []


def test_tails_over_random_tables():
    draw, seen = np.random.default_rng(5), {0: 0, 1: 0, 2: 0}
    for _ in range(300):
        count, levels = draw.integers(1, 4), int(draw.integers(2, 7))
        kept = draw.uniform(0.7, 1.0, (count, levels))
        kept[np.arange(count), draw.integers(levels, size=count)] = 1
        bad = (kept < 0.95).all(axis=0)
        told = gl.tails(along(np.arange(levels)), kept, SPACE, SPEC)
        assert len(told) == bool(bad[0]) + bool(bad[-1])
        seen[len(told)] += 1
        for one in told:
            edge = int(one.text.split()[2])
            side = slice(edge + 1, None) if ">" in one.text else slice(0, edge)
            assert bad[side].all()
            assert not bad[edge]
    assert min(seen.values()) > 0


# Gain of tuning


def test_gain_is_said_where_environments_differ():
    (text,) = says(surface([[0.2, 0.9, 0.3], [0.9, 0.2, 0.3]]), "gain of tuning")
    assert text.startswith("Tuning per environment gains Φ = 0.5")
    assert "nothing" not in text


def test_gain_is_denied_where_one_setting_is_best_everywhere():
    (text,) = says(surface([[0.2, 0.9, 0.3], [0.1, 0.8, 0.3]]), "gain of tuning")
    assert "gains nothing that shows" in text
    assert text.endswith("One setting does: β = 2.")


def test_noise_is_no_gain():
    """Equal settings: the plug-in is far from 0, and the sentence does not fall for it."""
    draw, denied = np.random.default_rng(6), 0
    for _ in range(40):
        one = surface(np.full((5, 30), 0.5), seeds=6)
        noisy = one.performance + 0.1 * draw.normal(size=one.performance.shape)
        told = judged(Surface(*(*list(vars(one).values())[:4], noisy, one.diverged, one.cells)))
        assert told.plug_in > 0.1
        denied += "nothing" in gl.tuning_gain(told, SPACE).text
    assert denied >= 36


def test_few_seeds_have_no_interval():
    (text,) = says(surface([[0.2, 0.9], [0.9, 0.2]], seeds=2), "gain of tuning")
    assert "too few seeds for an interval" in text


# Where the best value moves


def moving(*means):
    """Environments (family i, κ = 0) and (family i, κ = 1) in turn."""
    one = surface(np.array(means), ("local_steps",))
    places = tuple(Environment(f"f{i // 2}", float(i % 2), 4) for i in range(len(means)))
    return Surface(*(*list(vars(one).values())[:3], places, *list(vars(one).values())[4:]))


def shifted(one, what="kappa"):
    return gl.shifts(one, axis(one, "local_steps", SPEC), what, SPACE, SPEC)


def test_a_shift_is_said_where_it_goes_one_way():
    one = moving((0.2, 0.5, 1.0), (1.0, 0.6, 0.1), (0.2, 1.0, 0.5), (1.0, 0.6, 0.1))
    (said,) = shifted(one)
    assert said.text == (
        "From κ = 0 to κ = 1 the best K falls in 2 of 2 places, at the median from 2 to 1; "
        "it rises in none."
    )
    assert shifted(one, "agents") == []


def test_no_shift_where_places_disagree_or_it_costs_nothing():
    assert shifted(moving((0, 0.5, 1), (1, 0.5, 0), (1, 0.5, 0), (0, 0.5, 1))) == []
    assert shifted(moving((0.96, 0.98, 1), (1, 0.99, 0.96))) == []  # within 5 %
    assert shifted(moving((0.2, 0.5, 1), (0.1, 0.6, 1))) == []
    stays = [(0.2, 0.5, 1), (0.1, 0.6, 1)] * 2
    assert shifted(moving(*stays, (0.2, 0.5, 1), (1, 0.5, 0.1))) == []  # 1 of 3


# Importance


def rows(*shares, algorithm="algo"):
    names = ("step_size", "beta", "local_steps")
    told = [
        {"family": "f", "kappa": float(i), "agents": 4, "algorithm": algorithm, "hyperparameter": n}
        | {
            "importance": v,
            "low": None if v is None else v - 0.1,
            "high": None if v is None else v + 0.1,
        }
        for i, one in enumerate(shares)
        for n, v in zip(names, one, strict=True)
    ]
    return importances({"importance": told})


def test_most_important_is_counted():
    told = gl.most_important("algo", rows((0.6, 0.3, 0.1), (0.5, 0.4, 0.1), (0.2, 0.7, 0.1)))
    assert told[0].text == (
        "η matters most in 2 of 3 environments (PED-ANOVA; intervals lie apart in 1)."
    )
    (told,) = gl.most_important("algo", rows((0.5, 0.4, 0.1), (0.5, 0.4, 0.1)))
    assert told.text == "η matters most in all 2 environments (PED-ANOVA)."


def test_importance_that_ties_or_is_unknown_is_not_decided():
    assert gl.most_important("algo", rows((0.4, 0.4, 0.2))) == []
    assert gl.most_important("algo", rows((None, None, None))) == []
    assert gl.most_important("algo", rows((0.6, 0.3, 0.1), algorithm="other")) == []
    (told,) = gl.most_important("algo", rows((0.6, 0.3, 0.1), (0.2, 0.7, 0.1)))
    assert told.text == "β and η each matter most in 1 of 2 environments (PED-ANOVA)."


# Divergence


def test_divergence_names_what_all_diverged_settings_share():
    values = [[a, b] for a in (1, 2, 4) for b in (1, 5)]
    lost = [a >= 2 and b == 5 for a, b in values]
    one = surface(
        np.arange(6.0)[None] + np.zeros((2, 1)), ("step_size", "local_steps"), values, lost
    )
    (text,) = says(one, "divergence")
    assert text.startswith("33.3\u202f% of the settings diverge in some run (4 of 12 pairs")
    assert text.endswith(", all with η ≥ 2 × the family's and K = 5.")


def test_divergence_everywhere_shares_nothing():
    one = surface([[0.1, 0.2, 0.3]], diverged=[True, False, True])
    (text,) = says(one, "divergence")
    assert "all with" not in text
    (text,) = says(surface([[0.1, 0.2, 0.3]]), "divergence")
    assert text == "No run of 3 pairs of environment and setting diverged."


@pytest.mark.long
def test_what_is_said_of_diverged_settings_is_true_of_each():
    draw = np.random.default_rng(7)
    for _ in range(100):
        values = draw.integers(1, 5, (12, 2)).astype(float)
        lost = (values[:, 0] >= 3) & (draw.random(12) < 0.7)
        if not lost.any():
            continue
        one = surface(draw.random((1, 12)), ("alpha", "beta"), values, lost)
        text = gl.divergence(judged(one), SPACE).text
        for sign, place in (("α", 0), ("β", 1)):
            for relation, holds in (("≥", np.greater_equal), ("≤", np.less_equal), ("=", np.equal)):
                mark = f"{sign} {relation} "
                if mark in text:
                    bound = float(text.split(mark)[1].split()[0].rstrip("."))
                    assert holds(values[lost, place], bound).all()
                    assert not holds(values[:, place], bound).all()


# Effective dimensionality, and a table through to its sentences


def test_dimensionality_follows_the_grid():
    values = [[a, b] for a in (1, 2) for b in (1, 2)]
    one = surface([[1.0, 0.9, 0.1, 0.0], [0.1, 0.0, 1.0, 0.9]], ("step_size", "beta"), values)
    assert says(one, "dimensionality") == [
        "1 of 2 hyperparameters has to be tuned per environment for 95\u202f% of what full "
        "tuning gives."
    ]
    sobol = surface(
        np.random.default_rng(1).random((2, 4)),
        ("step_size", "beta"),
        np.random.default_rng(2).random((4, 2)),
    )
    assert says(sobol, "dimensionality") == []


def test_where_nothing_beats_random_nothing_is_said_of_ranges():
    assert says(surface([[-0.5, -0.2], [-0.4, -0.1]]), "range") == []


def test_shares_ignore_environments_without_success():
    one = surface([[-0.5, -0.2], [0.5, 1.0]])
    assert kept_share(one, axis(one, "beta", SPEC)).tolist() == [[0.5, 1.0]]


def test_differences_are_paired():
    """What both share by seed cancels: the interval of the difference is that of a constant."""
    draw = np.random.default_rng(10)
    noise = 0.3 * draw.normal(size=(3, 1, 6))
    gamma = np.array([[0.2, 0.9], [0.8, 0.1], [0.4, 0.5]])[:, :, None] + noise
    one = surface([[0.2, 0.9], [0.8, 0.1], [0.4, 0.5]])
    low, high = (owed(one, values, range(3), SPEC) for values in (gamma, gamma + 0.25))
    performance, sensitivity = difference(high, low, SPEC)
    assert high.tuned.high - high.tuned.low > 0.1
    assert performance == pytest.approx((0.25, 0.25, 0.25))
    assert sensitivity == pytest.approx((0, 0, 0), abs=1e-12)


# The plane


@pytest.mark.parametrize(
    ("performance", "sensitivity", "expected"),
    [
        (0.2, -0.1, 1),
        (0.2, 0.1, 2),
        (-0.1, -0.2, 3),
        (0.1, 0.2, 4),
        (-0.2, -0.1, 4),
        (-0.1, 0.2, 5),
        (0.0, 0.0, 0),
        (0.1, 0.1, 4),
        (0.0, -0.1, 1),
        (0.0, 0.1, 5),
    ],
)
def test_regions(performance, sensitivity, expected):
    assert region(performance, sensitivity) == expected
    assert expected in REGIONS


def test_above_the_diagonal_is_better_with_one_setting_for_all():
    """ΔP > ΔΦ ⟺ the shared setting is better, as tuned − Φ = shared."""
    draw = np.random.default_rng(9)
    for p, s in draw.normal(size=(500, 2)):
        above = p - s > 0
        assert (region(p, s) in (1, 2, 3)) == above
        assert {1: p > 0 > s, 5: p < 0 < s}.get(region(p, s), (p > 0) == (s > 0))
