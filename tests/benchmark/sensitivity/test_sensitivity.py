"""Laws of what is made of a design: records, importance, summary, and the command."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sketches import sketches
from typer.testing import CliRunner

from fedrl.benchmark.cli.main import app
from fedrl.benchmark.config.spaces.design import Design
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.execution.execution import plan
from fedrl.benchmark.publishing import sources
from fedrl.benchmark.publishing.publication import provenance
from fedrl.benchmark.publishing.records import load_records, read_records
from fedrl.benchmark.publishing.verification import verify
from fedrl.benchmark.sensitivity import importance
from fedrl.benchmark.sensitivity.importance import importances
from fedrl.benchmark.sensitivity.summary import summarise
from fedrl.benchmark.storage.store import Store
from fedrl.reports.table.surfaces import from_records as of_records
from fedrl.reports.table.surfaces.from_records import surfaces
from places import ROOT

TEXT = """
title = "A design"
seeds = 2
[settings]
kappa = 0.5
agents = 2
budget = 80
rounds = 100
episodes = 2
reward_noise = ["none", {distribution = "normal", scale = 1.0}]
[design]
evaluations = 2
[design.space.beta]
values = [0.2, 1.0]
[design.space.step_size]
values = [0.1, 1.0, 10.0]
relative = true
[families.random-mdp]
size = 3
horizon = 10
step_size = 0.1
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
SPACE = {
    "beta": {"values": [0.1, 0.4, 0.7, 1.0]},
    "step_size": {"values": [0.25, 0.5, 1.0, 2.0], "relative": True},
    "local_steps": {"values": [1, 4, 16]},
}
DESIGN = Design.model_validate({"space": SPACE})


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "RESAMPLES", 20)


def records(score, seeds: int = 4, kappas: tuple[float, ...] = (0.0, 1.0)) -> pd.DataFrame:
    """A table of runs whose score rises evenly to score(algorithm, κ, point, seed)."""
    rows = []
    for algorithm, kappa in product(("fedpg", "fedsvrpg-m"), kappas):
        names = [name for name in SPACE if algorithm != "fedpg" or name != "beta"]
        for number, values in enumerate(product(*(SPACE[name]["values"] for name in names))):
            point = dict(zip(names, values, strict=True))
            for seed, share in product(range(seeds), (0.0, 0.5, 1.0)):
                rows.append(
                    {
                        **dict.fromkeys(MEASURED, 0.0),
                        **{f"design_{name}": point.get(name, np.nan) for name in SPACE},
                        "study": "made",
                        "family": "random-mdp",
                        "kappa": kappa,
                        "algorithm": algorithm,
                        "agents": 2,
                        "seed": seed,
                        "cell": f"{algorithm}-{kappa}-{number}",
                        "round": int(10 * share),
                        "steps_per_agent": 100 * share,
                        "objective": share * score(algorithm, kappa, point, seed),
                        "diverged": False,
                        "diverged_round": np.nan,
                        "metric": "objective",
                        "reference": 1.0,
                        "reference_meaning": "made",
                        "random": 0.0,
                    }
                )
    return pd.DataFrame(rows)


MEASURED = (
    *("trajectories_per_agent", "steps_total", "trajectories_total", "floats_up", "floats_down"),
    *("seconds", "return", "return_worst", "return_best", "stationarity"),
)


def shares(rows: list[dict[str, object]], algorithm: str, kappa: float) -> dict[str, object]:
    return {
        row["hyperparameter"]: row
        for row in rows
        if row["algorithm"] == algorithm and row["kappa"] == kappa
    }


def test_what_alone_decides_has_all_the_importance() -> None:
    frame = records(lambda algorithm, kappa, point, seed: point["step_size"])
    rows = importances(surfaces(frame).surfaces, DESIGN)
    for algorithm, kappa in product(("fedpg", "fedsvrpg-m"), (0.0, 1.0)):
        found = shares(rows, algorithm, kappa)
        assert found["step_size"]["importance"] > 0.99
        assert found["step_size"]["low"] > 0.99


def test_importance_finds_what_decides_among_noise() -> None:
    generator = np.random.default_rng(0)

    def score(algorithm, kappa, point, seed) -> float:
        return point["local_steps"] * (kappa == 1.0) + point["step_size"] + 0.1 * generator.normal()

    rows = importances(surfaces(records(score)).surfaces, DESIGN)
    assert shares(rows, "fedsvrpg-m", 0.0)["step_size"]["importance"] > 0.9
    # K spans 15 and η 1.75: at κ = 1 it is K that decides who is among the best quarter
    far = shares(rows, "fedsvrpg-m", 1.0)
    assert far["local_steps"]["importance"] > 0.7
    assert far["beta"]["importance"] < 0.1
    for row in rows:
        assert 0 <= row["low"] <= row["importance"] <= row["high"] <= 1


def test_an_interval_holds_its_own_estimate() -> None:
    """Percentiles of redrawn seeds miss it here: noise drawn twice makes shares more alike."""
    generator = np.random.default_rng(1)

    def score(algorithm, kappa, point, seed) -> float:
        return 0.5 * point["step_size"] + generator.normal()

    for row in importances(surfaces(records(score, seeds=8, kappas=(0.0,))).surfaces, DESIGN):
        assert 0 <= row["low"] <= row["importance"] <= row["high"] <= 1


@pytest.mark.parametrize("study", ["sensitivity", "sensitivity_beyond"])
def test_published_intervals_hold_their_own_estimates(study: str) -> None:
    text = (ROOT / "reports/published" / study / sources.PROVENANCE).read_text("utf-8")
    rows = json.loads(text)["provenance"]["importance"]
    assert len(rows) > 100
    assert [row for row in rows if not row["low"] <= row["importance"] <= row["high"]] == []


def test_importances_sum_to_one_and_are_the_same_again() -> None:
    generator = np.random.default_rng(1)
    frame = records(lambda *_: generator.normal(), kappas=(0.0,))
    rows = importances(surfaces(frame).surfaces, DESIGN)
    for algorithm in ("fedpg", "fedsvrpg-m"):
        found = shares(rows, algorithm, 0.0)
        assert set(found) == set(SPACE) - ({"beta"} if algorithm == "fedpg" else set())
        assert sum(row["importance"] for row in found.values()) == pytest.approx(1)
    shuffled = frame.sample(frac=1, random_state=0)
    assert importances(surfaces(shuffled).surfaces, DESIGN) == rows


def test_importance_of_nothing_is_unknown() -> None:
    rows = importances(surfaces(records(lambda *_: 0.5, kappas=(0.0,))).surfaces, DESIGN)
    assert {row["importance"] for row in rows} == {None}


def test_one_seed_has_no_interval() -> None:
    frame = records(lambda *place: place[2]["step_size"], seeds=1, kappas=(0.0,))
    rows = importances(surfaces(frame).surfaces, DESIGN)
    assert {(row["low"], row["high"]) for row in rows} == {(None, None)}
    assert {row["importance"] for row in rows} > {None} or all(
        row["importance"] >= 0 for row in rows
    )


def test_one_best_setting_for_all_owes_nothing_and_opposite_ones_owe_much() -> None:
    together = records(lambda _, kappa, point, seed: point["step_size"])
    for one in summarise(surfaces(together).surfaces):
        assert one.phi.value == one.plug_in == 0
        assert one.dimensions == 0  # the shared best is the best everywhere

    def opposite(algorithm, kappa, point, seed) -> float:
        rank = SPACE["step_size"]["values"].index(point["step_size"])
        return rank if kappa == 0 else 3 - rank

    for one in summarise(surfaces(records(opposite)).surfaces):
        assert one.phi.value == one.plug_in == pytest.approx(0.5)
        assert one.dimensions == 1  # η is enough
        assert one.environments == 2


# --- from a file to a report ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A tiny study, and what the command says of it."""
    folder = tmp_path_factory.mktemp("sensitivity")
    (folder / "tiny.toml").write_text(TEXT)
    return folder, told(folder)


def told(folder: Path) -> dict:
    arguments = [str(folder / "tiny.toml"), "--results", str(folder), "--workers", "1", "--json"]
    with sketches():
        answer = CliRunner().invoke(app, ["sensitivity", *arguments])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_command_computes_what_is_missing_and_says_where_the_report_is(computed) -> None:
    folder, answer = computed
    assert answer["runs"] == answer["finished"] == (3 + 6) * 2 * 2
    assert Path(answer["page"]) == folder / "tiny" / "report" / "index.html"
    assert Path(answer["page"]).stat().st_size > 1000
    algorithms = {one["algorithm"]: one for one in answer["algorithms"]}
    assert {name: one["settings"] for name, one in algorithms.items()} == {
        "fedpg": 3,
        "fedsvrpg-m": 6,
    }
    assert all(one["environments"] == 2 for one in algorithms.values())  # noise


@pytest.mark.usefixtures("undrawn")
def test_nothing_is_computed_twice_and_what_was_made_is_the_same_again(
    computed, monkeypatch
) -> None:
    folder, answer = computed
    study = load_study(folder / "tiny.toml")
    assert plan(study, folder, 1).batches == []
    monkeypatch.undo()  # as many resamples as the command took
    known = json.loads((folder / "tiny" / "report" / "source" / "provenance.json").read_text())
    found = read_records(study, folder)
    designed = surfaces(found.frame)
    command = known["provenance"]["command"]
    again = provenance(study, Store(folder, study.name), found, command, designed)
    assert json.loads(json.dumps(again)) == known["provenance"]
    assert verify(folder / "tiny" / "report").identical  # which computes the surfaces anew
    assert [one.surface.algorithm for one in summarise(designed.surfaces)] == [
        one["algorithm"] for one in answer["algorithms"]
    ]


def test_surfaces_are_computed_and_records_are_compressed_once(computed, monkeypatch) -> None:
    folder, answer = computed
    counts = {"surfaces": 0, "compressions": 0}

    def counted(name, function):
        def call(*arguments, **words):
            counts[name] += 1
            return function(*arguments, **words)

        return call

    monkeypatch.setattr(of_records, "check", counted("surfaces", of_records.check))
    compress = counted("compressions", sources.pq.write_table)
    monkeypatch.setattr(sources.pq, "write_table", compress)
    assert told(folder)["algorithms"] == answer["algorithms"]
    assert counts == {"surfaces": 1, "compressions": 1}


def test_records_hold_the_coordinates(computed) -> None:
    folder, _ = computed
    study = load_study(folder / "tiny.toml")
    frame = load_records(study, folder)
    cells = frame.drop_duplicates("cell")
    assert (frame.groupby("cell")["design_step_size"].nunique() == 1).all()
    np.testing.assert_allclose(cells["step_size"], 0.1 * cells["design_step_size"])
    lacking = cells["algorithm"] == "fedpg"
    assert cells.loc[lacking, "design_beta"].isna().all()
    np.testing.assert_array_equal(cells.loc[~lacking, "design_beta"], cells.loc[~lacking, "beta"])


def test_the_provenance_holds_design_and_importance(computed) -> None:
    folder, _ = computed
    source = folder / "tiny" / "report" / "source" / "provenance.json"
    provenance = json.loads(source.read_text())["provenance"]
    assert provenance["configuration"]["design"] == {
        "kind": "grid",
        "space": {
            "beta": {"values": [0.2, 1.0], "relative": False},
            "step_size": {"values": [0.1, 1.0, 10.0], "relative": True},
        },
    }
    places = {
        (row["family"], row["kappa"], row["agents"], row["algorithm"], row["hyperparameter"])
        for row in provenance["importance"]
    }
    assert len(places) == 1 + 2
    assert len(provenance["importance"]) == 2 * len(places)  # with noise and without


def test_a_dry_run_tells_the_size_and_computes_nothing(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TEXT)
    arguments = [str(tmp_path / "tiny.toml"), "--results", str(tmp_path / "out"), "--dry-run"]
    answer = CliRunner().invoke(app, ["sensitivity", *arguments, "--json"])
    size = json.loads(answer.stdout)
    assert size["settings"] == {"fedpg": 3, "fedsvrpg-m": 6}
    assert size["runs"] == 36
    assert not (tmp_path / "out").exists()
    printed = CliRunner().invoke(app, ["sensitivity", *arguments]).stdout
    assert "grid over beta {0.2, 1}, step_size {0.1, 1, 10} × the study's" in printed


def test_a_study_without_a_design_is_a_mistake(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["sensitivity", "quick", "--results", str(tmp_path)])
    assert "study quick has no table [design]" in str(answer.exception)
