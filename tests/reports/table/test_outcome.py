"""One run counts the same for tuning, sensitivity, reports and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.tuning.objective import outcome_of
from fedrl.reports.comparison.result_differences import compared
from fedrl.reports.table.normalised_scores import area, comparable, final, scaled
from fedrl.reports.table.outcome import Outcome, intended
from fedrl.reports.table.records import families
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.surfaces.from_records import surfaces

NAN = float("nan")
BUDGET = 100
SOUND = [1.0, 1.5, 2.0, 2.0, 2.0]
CURVES = {  # score of the run, steps, diverged, random, reference → performance and final
    "sound": ([1.0, 2.0, 3.0], [0, 50, 100], False, 1.0, 3.0, 0.5, 1.0),
    "learned, then diverged": ([1.0, 2.8, 2.8], [0, 25, 50], True, 1.0, 3.0, 0.3375, 0.0),
    "diverged below random": ([1.0, 0.0], [0, 50], True, 1.0, 3.0, -0.375, -0.5),
    "no reference": ([1.0, 2.0, 3.0], [0, 50, 100], False, 1.0, NAN, 1.0, 2.0),
    "no reference, diverged": ([1.0, 3.0], [0, 50], True, 1.0, NAN, 0.5, 0.0),
    "reference below random": ([1.0, 2.0, 3.0], [0, 50, 100], False, 1.0, 0.5, 1.0, 2.0),
    "reference at random": ([1.0, 2.0, 3.0], [0, 50, 100], False, 1.0, 1.0, 1.0, 2.0),
    "overflow at the start": ([NAN], [0], True, 1.0, 3.0, 0.0, 0.0),
    "overflow, found late": ([NAN, 3.0], [0, 50], False, 1.0, 3.0, 0.0, 0.0),
}


def run(score: list[float], steps: list[float], lost: bool, random: float, reference: float) -> Any:
    """Of one run, all columns of the records."""
    count = len(score)
    return {
        "round": range(count),
        **{n: np.array(steps, float) for n in ("steps_per_agent", "trajectories_per_agent")},
        **{n: 2 * np.array(steps, float) for n in ("steps_total", "trajectories_total")},
        **{n: np.array(score) for n in ("objective", "return", "return_worst", "return_best")},
        **dict.fromkeys(("floats_up", "floats_down", "seconds", "stationarity"), np.zeros(count)),
        "diverged": lost,
        "diverged_round": float(count) if lost else NAN,
        "metric": "objective",
        "random": random,
        "reference": reference,
        "reference_meaning": "optimum",
    }


def records(case: str, family: str = "a") -> pd.DataFrame:
    """The run of a case, and beside it a sound one that shows what the budget was."""
    score, steps, lost, random, reference, *_ = CURVES[case]
    frames = [
        pd.DataFrame(run(score, steps, lost, random, reference)).assign(cell="one", step_size=0.1),
        pd.DataFrame(run(SOUND, [0, 25, 50, 75, BUDGET], False, random, reference)).assign(
            cell="two", step_size=0.2
        ),
    ]
    told = {"study": "s", "family": family, "kappa": 0.0, "algorithm": "fedpg", "agents": 2}
    frame = pd.concat(frames, ignore_index=True).assign(**told, seed=0)
    return frame.assign(design_step_size=frame["step_size"])


def by_tuning(case: str) -> float:
    score, steps, lost, random, reference, *_ = CURVES[case]
    columns = {
        name: np.broadcast_to(np.asarray(value), len(score))
        for name, value in run(score, steps, lost, random, reference).items()
    }
    return outcome_of(Config(family="random-mdp", algorithm="fedpg", budget=BUDGET), columns).score


def by_sensitivity(case: str) -> float:
    return float(surfaces(records(case)).surfaces[0].performance[0, 0, 0])


def reported(case: str) -> tuple[Any, Any]:
    (family,) = families(records(case))
    return family, next(run for run in family.runs if run.cell == "one")


def by_report(case: str) -> float:
    return area(*reported(case))


def by_compare(case: str) -> float:
    table = records(case)
    moved = compared(table, table, Specification(resamples=10)).moved
    return next(one.old_area for one in moved if one.cell == "one")


@pytest.mark.parametrize("user", [by_tuning, by_sensitivity, by_report, by_compare])
@pytest.mark.parametrize("case", CURVES)
def test_all_four_give_a_run_the_same_number(case: str, user: Any) -> None:
    assert user(case) == pytest.approx(CURVES[case][5], abs=1e-12)


@pytest.mark.parametrize("case", CURVES)
def test_the_final_score_follows_the_same_rule(case: str) -> None:
    _, own = reported(case)
    assert final(own) == pytest.approx(CURVES[case][6])
    known = [score for score in CURVES[case][0] if np.isfinite(score)]
    assert own.outcome.best == (max(known) if np.isfinite(CURVES[case][0][0]) else own.random)


def test_a_run_that_overflows_at_the_start_diverged_in_round_0() -> None:
    for case in ("overflow at the start", "overflow, found late"):
        family, own = reported(case)
        assert (own.diverged, own.diverged_round, len(own.steps)) == (True, 0.0, 1)
        assert own.budget == BUDGET
        assert surfaces(records(case)).surfaces[0].diverged.tolist() == [[[True], [False]]]
        assert sum(run.diverged for run in family.runs) == 1


def test_a_run_of_which_no_score_is_known_is_worse_than_any() -> None:
    nothing = Outcome(np.array([0.0]), np.array([NAN]), True, NAN, 3.0, 100.0)
    assert nothing.final == nothing.best == nothing.performance(100.0) == -np.inf


def test_only_shares_of_a_reference_are_pooled_over_families() -> None:
    both = pd.concat([records("sound"), records("no reference", "b")], ignore_index=True)
    both["cell"] += both["family"]
    entries = [(family, []) for family in families(both)]
    assert [family.name for family, _ in comparable(entries)] == ["a"]
    assert {one.family for one in scaled(comparable(entries))} == {"a"}


def test_a_hit_does_not_outlast_a_divergence() -> None:
    _, own = reported("learned, then diverged")
    assert own.outcome.hitting_time(own.target(0.25), 2) == np.inf
    assert own.outcome._replace(diverged=False).hitting_time(own.target(0.25), 2) == 25


def test_a_diverged_run_was_meant_to_cost_what_its_kind_did() -> None:
    narrow, wide = ["a", "a", "b", "c"], [0, 0, 0, 1]
    assert intended([5, 9, 2, 3], [True, False, True, True], narrow, wide) == [9, 9, 9, 3]
    assert intended([12, 9], [True, False], ["a", "a"]) == [12, 9]
