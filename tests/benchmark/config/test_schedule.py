"""Laws of [schedule]: the theorems' step sizes by their formulas, named by L and s in a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedrl.benchmark.config.study import Study, load_study
from fedrl.benchmark.config.study_file import StudyError
from fedrl.benchmark.execution.execution import run_study
from fedrl.benchmark.publishing.records import load_records
from fedrl.reports.speedup.grids import at_an_end, grids
from fedrl.reports.table.records import families
from fedrl.reports.table.specification import Specification

TEXT = """
title = "Schedules"
seeds = 4
measured = "gradients"
[schedule]
smoothness = [0.5, 2.0]
signal = [0.1, 0.9]
[settings]
rounds = 6
local_steps = 2
[families.random-mdp]
size = 3
horizon = 5
agents = [1, 3]
[algorithms.fedpg]
[algorithms.fedpg-m]
[algorithms.fedsvrpg-m]
"""


def study(folder: Path, text: str = TEXT) -> Study:
    path = folder / "schedules.toml"
    path.write_text(text)
    return load_study(path)


@pytest.mark.parametrize("agents", [1, 3])
def test_values_are_those_of_the_formulas(tmp_path: Path, agents: int) -> None:
    steps, rounds, smoothness, signal = 2, 6, 2.0, 0.1
    known = study(tmp_path)
    found = {
        config.algorithm: config
        for config in known.configs()
        if config.agents == agents
        and known.coordinates[config.id] == {"smoothness": smoothness, "signal": signal}
    }
    plain = np.sqrt(agents * steps * signal / rounds)
    assert found["fedpg"].server_step_size == pytest.approx(plain / smoothness, rel=1e-12)
    assert found["fedpg"].step_size == pytest.approx(plain / smoothness / steps, rel=1e-12)
    assert found["fedpg-m"].hyperparameters["beta"] == pytest.approx(plain, rel=1e-12)
    assert found["fedpg-m"].server_step_size == found["fedpg"].server_step_size
    assert (
        found["fedpg-m"].initial_momentum == "zero"
    )  # the study's, of which the rate says nothing
    beta = np.cbrt(agents * steps * signal**2 / rounds**2)
    reduced = found["fedsvrpg-m"]
    assert reduced.hyperparameters["beta"] == pytest.approx(beta, rel=1e-12)
    average = min(1.0, np.sqrt(beta * agents * steps)) / smoothness
    assert reduced.server_step_size == pytest.approx(average, rel=1e-12)
    assert reduced.initial_momentum == "batch"
    assert reduced.initial_episodes == np.ceil(steps / (rounds * beta**2))


def test_minima_of_the_schedule_are_one(tmp_path: Path) -> None:
    """A signal without noise: β = 1, λ = 1/L, u_0 of one batch."""
    known = study(tmp_path, TEXT.replace("[0.1, 0.9]", "1e6"))
    for config in known.configs():
        smoothness = known.coordinates[config.id]["smoothness"]
        assert config.server_step_size == 1 / smoothness
        assert config.hyperparameters.get("beta", 1.0) == 1.0
        assert config.initial_momentum == "zero" or config.initial_episodes == 1


def test_a_report_chooses_among_constants(tmp_path: Path) -> None:
    """η, β and u_0 differ with N, L and s do not: they name the settings, at every N."""
    known = study(tmp_path)
    run_study(known, results=tmp_path / "results", workers=1)
    records = load_records(known, tmp_path / "results")
    assert set(records["schedule_smoothness"]) == {0.5, 2.0}
    assert set(records["schedule_signal"]) == {0.1, 0.9}
    (family,) = families(records)
    for grid in grids(family, Specification()):
        assert sorted(grid.settings) == [
            f"s={signal}, L={smoothness}"
            for signal in ("0.1", "0.9")
            for smoothness in ("0.5", "2")
        ]
        assert grid.agents == (1, 3)
    assert at_an_end(["s=0.1, L=0.5", "s=0.1, L=2", "s=0.1, L=1"]) == [True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("local_steps = 2", "step_size = 0.1", "settings.step_size is overruled by [schedule]"),
        (
            "[algorithms.fedsvrpg-m]",
            "[algorithms.fedsvrpg-m]\nbeta = 0.5",
            "fedsvrpg-m.beta is over",
        ),
        ("[algorithms.fedpg]", "[algorithms.scaffold-pg]", "no theorem's step sizes are known for"),
        ("rounds = 6", "rounds = 6\nbudget = 100", "leave the budget of random-mdp"),
        ("[0.1, 0.9]", "[1e6, 2e6]", "signal = 1e+06 and smoothness = 0.5, signal = 2e+06 are one"),
        ("[0.1, 0.9]", "[0.1, -1]", "schedule.signal"),
        ("[0.1, 0.9]", "[]", "schedule.signal"),
        ("smoothness", "smothness", "schedule.smoothness is missing"),
        (
            "[settings]",
            "[design.space.rounds]\nvalues = [1, 2]\n[settings]",
            "[design] and [schedule]",
        ),
        ("[settings]", '[settings]\nhyperparameters = "tuned"', "hyperparameters is overruled"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(StudyError) as error:
        study(tmp_path, TEXT.replace(old, new, 1))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
