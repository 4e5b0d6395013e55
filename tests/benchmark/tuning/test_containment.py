"""A tuner cannot lose what a simpler algorithm has, and ships no winner where nothing was tuned."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.run import carry_out, prepare
from fedrl.benchmark.tuning.search import tune
from fedrl.benchmark.tuning.trial import LARGEST, Key, Tuned

TEXT = """
title = "Constructed"
seeds = 2
[settings]
agents = 2
rounds = 6
budget = 150
step_size = 1.0
[families.random-mdp]
horizon = 10
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
[algorithms.mime-pg]
"""
NOISE = 0.02


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case.toml").write_text(TEXT)


def found(score: Callable[[Run], Outcome], tuner: int = 0) -> dict[str, Tuned]:
    """Tune with made-up outcomes."""
    job = prepare("case.toml")

    def evaluate(title: str, runs: Iterable[Run]) -> dict[Key, Outcome]:
        return {run.key: score(run) for run in runs}

    done = tune(job.tasks, job.protocol, tuner, evaluate, lambda _: None)
    return {one.task.base.algorithm: one for one in done}


def quality(step_size: float, beta: float) -> float:
    """A narrow ridge: good only where β is nearly 1, with an η that FedPG alone finds easily."""
    peak = math.exp(-((math.log(step_size / 0.21) / 0.7) ** 2))
    return peak * max(0.0, 1 - 500 * (1 - beta))


def needle(run: Run) -> Outcome:
    beta = run.config.hyperparameters.get("beta", 1.0)
    noise = np.random.default_rng(run.seed.key(run.config.id)).normal(0, NOISE)
    return Outcome(quality(run.config.step_size, beta) + noise, False, 10)


@pytest.mark.parametrize("tuner", range(4))
def test_a_tuned_container_is_nowhere_behind_what_it_contains(tuner: int) -> None:
    """Its own trials miss the ridge; starting from FedPG's winner it is behind by noise at most."""
    done = found(needle, tuner)
    inner, outer = done["fedpg"], done["fedsvrpg-m"]
    own = [trial for trial in outer.trials if not trial.of]
    assert max(t.score for t in own) < 0.5 * inner.winner.score, "the case is too easy"
    (start,) = [trial for trial in outer.finalists if trial.of == "fedpg"]
    assert start.values == {**inner.winner.values, "beta": 1.0}

    def true(one: Tuned) -> float:
        return quality(one.winner.values["step_size"], one.winner.values.get("beta", 1.0))

    # Of k finalists the luckiest mean of 20 seeds wins: ahead by chance by a few standard errors.
    assert true(outer) >= true(inner) - 4 * NOISE / math.sqrt(20)
    assert outer.winner.score >= start.score


def test_a_winner_that_the_study_has_itself_is_a_finalist_all_the_same() -> None:
    """FedPG's winner is the container's own first trial, which had no luck on the tune seeds."""
    text = TEXT.replace("[algorithms.fedsvrpg-m]", "[algorithms.fedsvrpg-m]\nbeta = 1.0")
    Path("case.toml").write_text(text)

    def unlucky(run: Run) -> Outcome:
        same = run.config.step_size == 1.0 and run.config.hyperparameters.get("beta", 1.0) == 1.0
        unlucky = run.config.algorithm == "fedsvrpg-m" and run.seed.namespace == "tune"
        return Outcome(1.0 if same != unlucky else 0.001 * run.config.step_size, False, 10)

    done = found(unlucky)
    assert done["fedpg"].winner.values == {"step_size": 1.0}
    assert done["fedsvrpg-m"].winner.values == {"step_size": 1.0, "beta": 1.0}
    assert done["fedsvrpg-m"].winner.of == "fedpg"


def test_what_is_contained_is_tuned_first_even_unasked() -> None:
    job = prepare("case.toml", only=["algorithm=mime-pg"])
    assert [task.base.algorithm for task in job.tasks] == ["fedsvrpg", "mime-pg"]
    assert [task.depth for task in job.tasks] == [0, 1]
    whole = {task.id for task in prepare("case.toml").tasks}
    assert {task.id for task in job.tasks} <= whole


def test_a_range_without_the_contained_values_starts_there_all_the_same() -> None:
    """And the winner from outside stands at no end of the range."""
    Path("case.toml").write_text(TEXT + "[tuning.ranges]\nbeta = [0.1, 0.6]\n")
    done = found(needle)
    assert done["fedsvrpg-m"].winner.of == "fedpg"
    assert done["fedsvrpg-m"].winner.values["beta"] == 1.0


@pytest.mark.parametrize(("levels", "starts"), [("0.2, 0.5", ["fedpg"]), ("0.2, 1.0", [])])
def test_a_grid_that_lacks_the_contained_values_starts_there_too(
    levels: str, starts: list[str]
) -> None:
    """One that has them is searched whole: the contained winner is one of its points."""
    grid = "[tuning.levels.step_size]\nvalues = [0.05, 0.21, 1.0]\n"
    Path("case.toml").write_text(f"{TEXT}{grid}[tuning.levels.beta]\nvalues = [{levels}]\n")
    outer = found(needle)["fedsvrpg-m"]
    assert [trial.of for trial in outer.trials if trial.of] == starts
    assert len(outer.trials) == 6 + len(starts)
    assert outer.winner.values == {"step_size": 0.21, "beta": 1.0}


def test_a_flat_objective_has_no_winner() -> None:
    for one in found(lambda run: Outcome(0.25, False, 10)).values():
        assert one.finalists == ()
        assert f"all {len(one.trials)} trials scored 0.25: nothing was tuned" in one.mistake


def test_where_every_run_diverges_there_is_no_winner() -> None:
    for one in found(lambda run: Outcome(-run.config.step_size, True, 10)).values():
        assert "every run of all" in one.mistake


def test_parameters_that_went_off_do_not_win() -> None:
    """However well they score; and if all did, it is told."""

    def tempting(run: Run) -> Outcome:
        eta = run.config.step_size
        return Outcome(eta, False, 10, LARGEST * (2.0 if eta > 1 else 0.5))

    for one in found(tempting).values():
        assert one.winner.values["step_size"] <= 1
    for one in found(lambda run: tempting(run)._replace(size=1e30)).values():
        assert "went beyond 1e+06: nothing was tuned; search smaller values" in one.mistake


ZERO = """
title = "Nothing to learn, and steps that are far too large"
seeds = 2
[settings]
agents = 2
local_steps = 2
episodes = 2
budget = 60
rounds = 20
evaluate_every = 4
[families.random-mdp]
horizon = 5
size = 2
choices = 1
[families.windy-cliff]
horizon = 10
step_size = 1e30
[algorithms.fedpg]
[tuning]
trials = 3
wave = 2
finalists = 2
select_seeds = 3
"""


def test_nothing_is_written_where_nothing_was_tuned() -> None:
    """One action only, and η around 1e30: no file, and a sentence for each."""
    Path("zero.toml").write_text(ZERO)
    job = prepare("zero.toml")
    assert "3 trials per hyperparameter are few" in job.notes[0]
    done = carry_out(job, Path("results"), Path("tuned"), 1)
    assert done.files == []
    assert list(Path("tuned").glob("*/*.toml")) == []
    flat, huge = done.mistakes
    assert flat.startswith("random-mdp/kappa0/n2/fedpg: all 3 trials scored")
    assert huge.startswith("windy-cliff/kappa0/n2/fedpg: ")
    assert "nothing was tuned" in huge
    assert done.as_json()["winners"] == []
