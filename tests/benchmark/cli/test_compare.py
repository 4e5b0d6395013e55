"""Laws of `fedrl compare` and `fedrl mirror`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from test_cli import TEXT, Answer, assert_mistake, fedrl  # noqa: F401

from fedrl import load_records, run_study
from fedrl.benchmark.publishing.tables import table_of
from fedrl.benchmark.publishing.trackers.points import curves
from fedrl.reports.comparison.result_differences import compared

Fedrl = Callable[..., Answer]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computed")
    (folder / "tiny.toml").write_text(TEXT.replace("seeds = 2", "seeds = 3"))
    run_study(folder / "tiny.toml", results=folder / "results", workers=1)
    return folder


@pytest.fixture
def table(computed: Path) -> pd.DataFrame:
    return load_records(computed / "tiny.toml", computed / "results")


def test_nothing_moves_from_a_table_to_itself(table: pd.DataFrame) -> None:
    found = compared(table, table)
    assert len(found.moved) == table["cell"].nunique()
    assert (found.only_old, found.only_new) == ([], [])
    for moved in found.moved:
        assert moved.same
        assert moved.pairs == 3
        assert tuple(moved.score) == (0, 0, 0)
        assert moved.steps is None or tuple(moved.steps) == (1, 1, 1)


def test_a_shift_of_one_config_is_found_exactly_there(table: pd.DataFrame) -> None:
    config = table["cell"].iloc[0]
    metric = table["metric"].iloc[0]
    shifted = table.copy()
    shifted.loc[shifted["cell"] == config, metric] -= 0.25
    moved = [moved for moved in compared(table, shifted).moved if not moved.same]
    assert [entry.cell for entry in moved] == [config]
    # the same shift in every seed: pairing removes all that differs between seeds
    assert tuple(moved[0].score) == pytest.approx((-0.25, -0.25, -0.25), abs=1e-12)


def test_old_and_new_exchanged_change_the_sign(table: pd.DataFrame) -> None:
    metric = table["metric"].iloc[0]
    other = table.assign(**{metric: table[metric] + 0.01 * table["seed"] * (table["round"] > 0)})
    there, back = compared(table, other), compared(other, table)
    assert any(not moved.same for moved in there.moved)
    for one, two in zip(there.moved, back.moved, strict=True):
        assert one.score.value == pytest.approx(-two.score.value, abs=1e-12)
        assert one.score.low == pytest.approx(-two.score.high, abs=2e-3)


def test_steps_are_counted_to_the_same_target_on_both_sides(table: pd.DataFrame) -> None:
    metric = table["metric"].iloc[0]
    never, at_once = table.copy(), table.copy()
    last = table.groupby(["cell", "seed"])["steps_per_agent"].transform("max")
    for frame in (never, at_once):
        frame["reference"], frame["random"] = 1.0, 0.0
    never[metric] = 0.0
    at_once[metric] = (table["round"] > 0).astype(float)
    sooner = compared(never, at_once)
    assert sooner.moved
    for moved in sooner.moved:
        rows = table[table["cell"] == moved.cell]
        first = rows[rows["round"] == rows.loc[rows["round"] > 0, "round"].min()]
        budget = last[rows.index].min()  # what a run that never hits counts with
        assert moved.steps is not None
        assert moved.steps.value == pytest.approx(first["steps_per_agent"].mean() / budget)
        assert moved.score.value == 1


def test_runs_of_one_side_are_listed_and_not_compared(table: pd.DataFrame) -> None:
    configs = sorted(table["cell"].unique())
    old = table[~((table["cell"] == configs[0]) & (table["seed"] == 2))]
    new = table[table["cell"] != configs[1]]
    found = compared(old, new)
    assert found.only_new == [(configs[0], 2)]
    assert found.only_old == [(configs[1], seed) for seed in (0, 1, 2)]
    pairs = {moved.cell: moved.pairs for moved in found.moved}
    assert pairs == {configs[0]: 2} | dict.fromkeys(configs[2:], 3)


def test_configs_that_differ_in_what_is_ignored_are_the_same(table: pd.DataFrame) -> None:
    metric = table["metric"].iloc[0]
    table = table.assign(random=0.0, reference=2.0)
    tuned = table.assign(
        step_size=table["step_size"] * 3,
        server_step_size=table["server_step_size"] * 3,
        cell=table["cell"] + "-tuned",
        **{metric: table[metric] + 0.5},
    )
    assert compared(table, tuned).moved == []
    found = compared(table, tuned, ignore=["step_size"])
    assert (found.only_old, found.only_new) == ([], [])
    assert len(found.moved) == table["cell"].nunique()
    for moved in found.moved:
        assert moved.new_cell == f"{moved.cell}-tuned"
        assert moved.score.value == pytest.approx(0.5)
        assert tuple(moved.area) == pytest.approx((0.25, 0.25, 0.25))
    with pytest.raises(ValueError, match=r"'stepsize'.*did you mean 'step_size'"):
        compared(table, tuned, ignore=["stepsize"])
    both = pd.concat([table, tuned], ignore_index=True)
    with pytest.raises(ValueError, match="only step_size tells"):
        compared(both, tuned, ignore=["step_size"])


def test_the_mean_score_is_the_area_up_to_the_common_budget(table: pd.DataFrame) -> None:
    metric = table["metric"].iloc[0]
    table = table.assign(random=1.0, reference=3.0)
    flat, risen = table.assign(**{metric: 1.0}), table.assign(**{metric: 2.0})
    for moved in compared(flat, risen).moved:
        assert moved.old_area == 0
        assert moved.area.value == pytest.approx(0.5)
    unknown = {"reference": float("nan")}
    for moved in compared(flat.assign(**unknown), risen.assign(**unknown)).moved:
        assert (moved.old_area, moved.area.value) == (0.0, 1.0)  # above the random policy


@pytest.mark.usefixtures("undrawn")
def test_results_reports_and_files_hold_the_same_table(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    table: pd.DataFrame,
) -> None:
    study, results = str(computed / "tiny.toml"), str(computed / "results")
    fedrl("report", study, "--results", results, "--out", "report")
    fedrl("records", study, "--results", results, "--out", "table.parquet")
    for place in (Path(results), Path("report"), Path("table.parquet")):
        pd.testing.assert_frame_equal(table_of(place), table, check_dtype=False)
        answer = json.loads(fedrl("compare", results, str(place), "--json").out)
        assert all(config["same"] for config in answer["cells"])
        assert answer["only_old"] == answer["only_new"] == []


def test_the_command_names_what_moved(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    table: pd.DataFrame,
) -> None:
    config = table["cell"].iloc[-1]
    other = table[~((table["cell"] == config) & (table["seed"] == 1))].copy()
    other.loc[other["cell"] == config, table["metric"].iloc[0]] += 1
    other.to_parquet("other.parquet")
    lines = fedrl("compare", str(computed / "results"), "other.parquet").out.splitlines()
    assert lines[0] == "4 cells in both, 3 of them the same in every score and step"
    rows = [line for line in lines[1:] if config in line and not line.startswith("only in")]
    assert len(rows) == 1  # piped, a record is a line
    assert " ".join(rows[0].split()).split(config)[1].startswith(" 2 +1 [1, 1] ")
    assert rows[0].split()[-1] == "moved"
    assert lines[-1] == f"only in {computed / 'results'}: {config} seed 1"


def test_what_holds_no_table_is_a_mistake(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    results = str(computed / "results")
    assert_mistake(fedrl("compare", results, "nowhere"), "no folder nowhere")
    Path("empty").mkdir()
    assert_mistake(fedrl("compare", results, "empty"), "holds no results")
    assert_mistake(fedrl("compare", results, results, "--study", "tyni"), "did you mean 'tiny'?")


def test_tensorboard_reads_every_number_back(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    table: pd.DataFrame,
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    study, results = str(computed / "tiny.toml"), str(computed / "results")
    command = ("mirror", study, "--to", "tensorboard", "--results", results, "--out", "mirror")
    assert fedrl(*command).out == "12 runs in mirror\n"
    written = {path: path.read_bytes() for path in Path("mirror").rglob("events*")}
    assert len(written) == 12
    columns = curves(table)
    assert {"objective", "steps_per_agent"} <= set(columns)
    for (config, seed), points in table.groupby(["cell", "seed"]):
        events = EventAccumulator(str(Path("mirror") / config / f"seed-{seed:05d}"))
        events.Reload()
        for name in columns:
            known = points[points[name].notna()]
            read = events.Scalars(name) if name in events.Tags()["scalars"] else []
            assert [event.step for event in read] == known["round"].tolist()
            assert [event.value for event in read] == known[name].astype("float32").tolist()
            assert all(
                math.isclose(event.wall_time, seconds)
                for event, seconds in zip(read, known["seconds"], strict=True)
            )
    fedrl(*command)
    assert {path: path.read_bytes() for path in Path("mirror").rglob("events*")} == written


def test_a_mirror_that_is_missing_names_its_extra(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study, results = str(computed / "tiny.toml"), str(computed / "results")
    command = ("mirror", study, "--results", results, "--out", "mirror", "--to")
    assert_mistake(fedrl(*command, "tensorbord"), "did you mean 'tensorboard'?")
    monkeypatch.setattr("fedrl.benchmark.publishing.mirrors.find_spec", lambda _: None)
    assert_mistake(fedrl(*command, "tensorboard"), "pip install '.[tensorboard]'")
    assert not Path("mirror").exists()
