"""Laws of the command line: what it does, what it leaves alone, what it answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import pandas as pd
import pytest

from fedrl import load_records, run_study
from fedrl.benchmark.cli.main import app, main
from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.training import federation

TEXT = """
title = "Tiny"
seeds = 2
[settings]
rounds = 2
agents = 2
local_steps = 2
kappa = [0.0, 0.5]
[families.random-mdp]
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
RUNS = 2 * 2 * 2


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def fedrl(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Answer]:
    """The command in this process, with tmp_path as current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TEXT)

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["fedrl", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return Answer(int(exit_.value.code or 0), out, err)

    return call


Fedrl = Callable[..., Answer]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def results(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(folder).items() if "seconds" not in name}


def run_tiny(fedrl: Fedrl, *more: str) -> Answer:
    return fedrl("run", "tiny.toml", "--workers", "1", *more)


def test_a_rerun_skips_what_is_done(fedrl: Fedrl, tmp_path: Path) -> None:
    first = run_tiny(fedrl, "--json")
    assert first.code == 0
    assert json.loads(first.out)["finished"] == RUNS
    before = content(tmp_path / "results")
    again = json.loads(run_tiny(fedrl, "--json").out)
    assert (again["finished"], again["skipped"]) == (0, RUNS)
    assert content(tmp_path / "results") == before


@pytest.mark.long
def test_workers_do_not_change_a_bit(fedrl: Fedrl, tmp_path: Path) -> None:
    assert run_tiny(fedrl, "--results", "one").code == 0
    assert fedrl("run", "tiny.toml", "--workers", "2", "--results", "two").code == 0
    assert results(tmp_path / "one") == results(tmp_path / "two")
    assert (
        len(results(tmp_path / "one")) == 2 * RUNS + 4
    )  # parameters beside each; a manifest per cell


def test_only_computes_a_part_that_the_rest_builds_on(fedrl: Fedrl, tmp_path: Path) -> None:
    assert run_tiny(fedrl, "--only", "algorithm=fedpg", "--only", "seed=1").code == 0
    assert len(list(tmp_path.rglob("seed-00001.parquet"))) == 2
    assert not list(tmp_path.rglob("seed-00000.parquet"))
    assert json.loads(run_tiny(fedrl, "--json").out)["skipped"] == 2


def test_run_ends_with_the_command_for_the_report(fedrl: Fedrl) -> None:
    answer = run_tiny(fedrl, "--results", "my results", "--only", "seed=0", "--set", "seeds=1")
    command = "fedrl report tiny.toml --results 'my results' --set seeds=1 --only seed=0"
    assert answer.out.splitlines()[-1] == command


@pytest.mark.usefixtures("undrawn")
def test_a_report_can_be_written_and_names_what_is_missing(fedrl: Fedrl) -> None:
    run_tiny(fedrl, "--only", "seed=0")
    answer = fedrl("report", "tiny.toml", "--json")
    assert answer.code == 0
    published = json.loads(answer.out)
    assert Path(published["page"]).read_bytes()
    assert len(published["missing"]) == RUNS // 2


def test_a_stored_run_keeps_no_checkpoint(fedrl: Fedrl) -> None:
    """Whoever was killed between storing a run and forgetting its checkpoint leaves one behind."""
    assert run_tiny(fedrl).code == 0
    (result, *_) = sorted(Path("results").rglob("seed-?????.parquet"))
    before = result.read_bytes()
    left = result.with_suffix(".checkpoint")
    left.write_bytes(b"of a run that is done")
    assert run_tiny(fedrl).code == 0
    assert not left.exists()
    assert result.read_bytes() == before


def test_a_study_without_diagnostics_has_all_other_columns(fedrl: Fedrl) -> None:
    assert run_tiny(fedrl).code == 0
    whole = load_records("tiny.toml")
    path = Path("tiny.toml")
    path.write_text("diagnostics = false\n" + path.read_text())
    lean = load_records("tiny.toml")
    gone = [name for name in whole.columns if name not in lean.columns]
    assert gone
    assert all(name.startswith("diagnostic_") for name in gone)
    assert lean.equals(whole.drop(columns=gone))


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_scores_has_scores_and_costs(fedrl: Fedrl) -> None:
    """Of one family the score is the objective, of the other the return."""
    path = Path("tiny.toml")
    path.write_text(path.read_text() + "[families.cartpole]\nhorizon = 5\n")
    assert run_tiny(fedrl).code == 0
    whole = load_records("tiny.toml")
    path.write_text('measured = "scores"\n' + path.read_text())
    lean = load_records("tiny.toml")
    inside = [name for name in whole.columns if name.startswith("diagnostic_")]
    assert inside
    assert list(lean.columns) == [name for name in whole.columns if name not in inside]
    altered = {name for name in lean.columns if not lean[name].equals(whole[name])}
    beside = {"return_worst", "return_best", "stationarity", "heterogeneity", "seconds"}
    assert {"objective", "return", "return_best", "seconds"} <= altered
    assert altered <= {"objective", "return", *beside}
    assert lean[sorted(altered & beside)].isna().all(axis=None)
    for metric in ("objective", "return"):
        scored = whole["metric"] == metric
        assert scored.any()
        assert lean.loc[scored, metric].equals(whole.loc[scored, metric])
        assert lean.loc[~scored, metric].isna().all()
    assert fedrl("report", "tiny.toml").code == 0
    path.write_text(path.read_text().replace('"scores"', '"score"'))
    assert_mistake(fedrl("report", "tiny.toml"), "measured", "all", "scores")


def test_thinned_records_are_some_of_the_points_and_the_last(fedrl: Fedrl) -> None:
    path = Path("tiny.toml")
    path.write_text(path.read_text() + "[families.cartpole]\nhorizon = 5\nrounds = 25\n")
    changes = ("--set", "settings.evaluate_every=1", "--set", "seeds=1")
    assert fedrl("run", "tiny.toml", "--workers", "1", *changes).code == 0
    whole = load_records("tiny.toml", overrides=changes[1::2])
    path.write_text('measured = "gradients"\nthinning = 1.5\n' + path.read_text())
    thin = load_records("tiny.toml", overrides=changes[1::2])
    rounds = [int(r) for r in thin[thin["family"] == "cartpole"]["round"].unique()]
    assert rounds == [0, 1, 2, 3, 5, 8, 12, 18, 25]
    last = whole.groupby("cell")["round"].max()
    assert thin.groupby("cell")["round"].max().equals(last)
    same = whole.merge(thin[["cell", "round"]])
    assert all(thin[name].equals(same[name]) for name in ("stationarity", "steps_total"))
    assert thin["heterogeneity"].isna().all()
    assert_mistake(fedrl("report", "tiny.toml", "--set", "thinning=0.5"), "thinning is 0.5", "1")


def test_records_hold_the_same_numbers_in_every_format(fedrl: Fedrl) -> None:
    run_tiny(fedrl)
    for suffix in (".csv", ".parquet", ".json", ".jsonl"):
        assert fedrl("records", "tiny.toml", "--out", f"out{suffix}").code == 0
    frame = load_records("tiny.toml")
    assert list(frame.columns[:7]) == [
        *("study", "family", "kappa", "algorithm", "agents", "seed", "cell")
    ]
    pd.testing.assert_frame_equal(pd.read_parquet("out.parquet"), frame)
    assert list(pd.read_csv("out.csv")["objective"]) == list(frame["objective"])
    rows = json.loads(Path("out.json").read_text())
    assert [row["objective"] for row in rows] == list(frame["objective"])
    assert [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()] == rows
    assert fedrl("records", "tiny.toml").out == Path("out.csv").read_text()
    assert set(frame["beta"].dropna()) == {0.2}
    assert (frame["server_step_size"] == frame["step_size"] * frame["local_steps"]).all()


def test_the_python_interface_does_the_same(fedrl: Fedrl, tmp_path: Path) -> None:
    summary = run_study("tiny.toml", workers=1, only=["seed=0"])
    assert (summary.finished, summary.skipped, summary.complete) == (RUNS // 2, 0, True)
    assert set(load_records("tiny.toml")["seed"]) == {0}


@pytest.mark.parametrize("command", ["report", "records"])
def test_a_corrupt_result_is_named_and_everything_stays(
    fedrl: Fedrl, tmp_path: Path, command: str
) -> None:
    run_tiny(fedrl)
    victim = next(tmp_path.rglob("seed-00001.parquet"))
    data = bytearray(victim.read_bytes())
    half = len(data) // 2
    data[half : half + 64] = bytes(64)
    victim.write_bytes(data)
    before = content(tmp_path)
    answer = fedrl(command, "tiny.toml")
    assert_mistake(answer, str(victim.relative_to(tmp_path)), "corrupt", "remove it")
    assert content(tmp_path) == before


def assert_mistake(answer: Answer, *words: str) -> None:
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "quik"], ["no study 'quik'", "did you mean 'quick'"]),
        (["run", "absent.toml"], ["absent.toml", "No such file"]),
        (["run", "tiny.toml", "--set", "settings.beta=2"], ["beta is 2.0", "[0, 1]"]),
        (["run", "tiny.toml", "--set", "seeds=-1"], ["seeds is -1"]),
        (
            ["run", "tiny.toml", "--set", "algorithms.fedsvrpg-n={}"],
            ["did you mean 'fedsvrpg-m'"],
        ),
        (["run", "tiny.toml", "--only", "algorithm=fedpgm"], ["did you mean 'fedpg'"]),
        (["run", "tiny.toml", "--results", "tiny.toml/results"], ["cannot write results"]),
        (["run", "tiny.toml", "--workers", "0"], ["--workers"]),
        (["run"], ["STUDY"]),
        (["rnu"], ["rnu"]),
        (["run", "tiny.toml", "--dryrun"], ["--dry-run"]),
        (["report", "tiny.toml"], ["no results of study tiny"]),
        (["records", "tiny.toml"], ["no results of study tiny"]),
        (["records", "tiny.toml", "--out", "x.xlsx"], [".xlsx", ".csv"]),
        (["list", "familes"], ["did you mean 'families'"]),
        (["speed", "--family", "cartpol"], ["did you mean 'cartpole'"]),
        (["speed", "--algorithm", "fedpgm"], ["did you mean 'fedpg"]),
        (["check", "cartpol"], ["no family or algorithm", "did you mean 'cartpole'"]),
        (["check", "fedrl.envs.control.cartpole:Cartpole"], ["did you mean 'CartPole'"]),
        (["check", "no_such_module:Family"], ["cannot import no_such_module:Family"]),
        (["check", "json:JSONDecoder"], ["neither a Family nor an Algorithm"]),
        (["show", "cartpol"], ["did you mean 'cartpole'"]),
        (["show", "fedpg"], ["no family 'fedpg'"]),
        (["show", "gridworld", "--kappa", "-0.5"], ["kappa is -0.5", "equal to 0"]),
        (["show", "gridworld", "--kappa", "1.5"], ["kappa is 1.5", "in [0, 1]"]),
        (["show", "gridworld", "--set", "winds=0.1"], ["did you mean 'wind'"]),
        (["show", "gridworld", "--set", "slip=1.5"], ["slip is 1.5", "at most 1"]),
        (["show", "cartpole", "--set", "gravity=-1"], ["gravity is -1", "above 0 (m/s²)"]),
        (["show", "cartpole", "--set", "horizon=0"], ["horizon is 0", "at least 1"]),
        (["show", "cartpole", "--set", "horizon"], ["write NAME=VALUE"]),
        (["show", "cartpole", "--agents", "0"], ["--agents"]),
        (["show", "cartpole", "--out", "tiny.toml/x"], ["cannot write tiny.toml/x"]),
        (["render", "cartpole"], ["--policy"]),
        (["render", "cartpole", "--policy", "nothing"], ["no run 'nothing'", "--results"]),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    fedrl: Fedrl, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    before = content(tmp_path)
    assert_mistake(fedrl(*arguments), *words)
    assert content(tmp_path) == before


def counts(command: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The options of a command that are whole numbers, as they are declared."""
    for name, hint in get_type_hints(command, include_extras=True).items():
        kind, *said = get_args(hint) if get_origin(hint) is Annotated else [hint]
        if kind in (int, int | None):
            yield f"{command.__name__} {name}", said[0]


def test_every_count_has_bounds_and_what_is_beyond_is_one_line(fedrl: Fedrl) -> None:
    declared = dict(one for entry in app.registered_commands for one in counts(entry.callback))
    assert {"tune repeats", "run workers", "run most"} <= set(declared)
    without = [name for name, one in declared.items() if None in (one.min, one.max)]
    assert without == []
    answer = fedrl("tune", "tiny.toml", "--repeats", "1000000000", "--dry-run")
    assert_mistake(answer, "--repeats", "less than or equal to 10000")


@pytest.mark.parametrize("study", ["quick", "paper"])
def test_a_dry_run_tells_the_size_and_computes_nothing(
    fedrl: Fedrl, tmp_path: Path, study: str
) -> None:
    only = ["--only", "seed=0"]
    assert "training steps" in fedrl("run", study, "--dry-run", *only).out
    size = json.loads(fedrl("run", study, "--dry-run", "--json", *only).out)
    assert size["runs"] == size["cells"] > 0
    assert size["seconds"] > 0
    assert not (tmp_path / "results").exists()


def test_lists_and_information_parse(fedrl: Fedrl) -> None:
    for what in ("families", "algorithms", "studies"):
        names = [entry["name"] for entry in json.loads(fedrl("list", what, "--json").out)]
        shown = fedrl("list", what).out
        assert all(name in shown for name in names)
    assert {"versions", "machine", "code"} <= set(json.loads(fedrl("info", "--json").out))
    assert "numpy" in fedrl("info").out


@pytest.mark.parametrize("width", [80, 100])
def test_lists_fit_a_terminal(fedrl: Fedrl, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # piped, an entry is a line however long
    for what in ("families", "algorithms", "studies"):
        entries = json.loads(fedrl("list", what, "--json").out)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", fedrl("list", what).out).splitlines()
        assert max(map(len, lines)) <= width
        for entry in entries:  # a name is never broken
            assert any(entry["name"] in line.split()[:2] for line in lines)


def test_check_tells_which_laws_hold(
    fedrl: Fedrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A family of one's own, in a file beside: first with a mistake, then without."""
    text = (
        "from dataclasses import dataclass\n"
        "from fedrl.envs.finite.random_mdp import RandomMDP\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Mine(RandomMDP):\n"
        "    summary = 'mine'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "sound_family.py").write_text(text)
    mistake = "    def optimum(self, task):\n        return 0 * super().optimum(task)\n"
    (tmp_path / "broken_family.py").write_text(text + "\n" + mistake)
    sound = json.loads(fedrl("check", "sound_family:Mine", "--json").out)
    assert sound["holds"]
    assert (sound["kind"], sound["name"]) == ("family", "sound_family:Mine")
    answer = fedrl("check", "broken_family:Mine")
    assert answer.code == 1
    assert "FAILED  nothing beats the optimum" in answer.out
    assert answer.out.count("FAILED") == 1
    laws = {law["law"]: law for law in sound["laws"]}
    assert laws["nothing beats the optimum"] | {"seconds": 0} == {
        "law": "nothing beats the optimum",
        "holds": True,
        "sentence": "",
        "seconds": 0,
    }
    assert set(laws) <= {line[8:] for line in answer.out.splitlines()}


@pytest.mark.long
def test_speed_counts_what_was_computed(fedrl: Fedrl) -> None:
    settings = {"family": "random-mdp", "algorithm": "fedpg", "seeds": 2, "agents": 2}
    settings |= {"episodes": 1, "local-steps": 2, "horizon": 5, "rounds": 3, "workers": 2}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    measured = json.loads(fedrl("speed", *arguments, "--json").out)
    assert measured["environment_steps"] == 2 * 2 * 1 * 2 * 5 * 3
    assert measured["real_steps_per_second"] == pytest.approx(measured["lane_steps_per_second"])
    assert measured["ms_per_local_step"] == pytest.approx(1e3 * measured["seconds"] / 6)


def test_one_bad_run_does_not_lose_the_others(
    fedrl: Fedrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = federation.train

    def fail_on_one(runs: Sequence[Run], **more: Any) -> Any:
        if any(run.seed.index == 1 and run.config.kappa == 0.5 for run in runs):
            raise RuntimeError("a bad\nseed")
        return train(runs, **more)

    monkeypatch.setattr(federation, "train", fail_on_one)
    answer = run_tiny(fedrl, "--json")
    outcome = json.loads(answer.out)
    assert answer.code == 1
    assert outcome["finished"] == RUNS - 2  # of both algorithms
    assert all("RuntimeError" in failure["reason"] for failure in outcome["failed"])
    assert all("a bad seed" in failure["reason"] for failure in outcome["failed"])


def test_what_a_study_needs_is_compiled_and_nothing_is_stored(
    fedrl: Fedrl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train, rounds = federation.train, []

    def fail_on_one(runs: Sequence[Run], **more: Any) -> Any:
        rounds.extend(run.config.rounds for run in runs)
        if runs[0].config.algorithm == "fedsvrpg-m":
            raise RuntimeError("no compiler")
        return train(runs, **more)

    monkeypatch.setattr(federation, "train", fail_on_one)
    before = sorted(tmp_path.rglob("*"))
    answer = fedrl("compile", "tiny.toml", "--workers", "1", "--json")
    assert sorted(tmp_path.rglob("*")) == before
    assert answer.code == 1
    facts = json.loads(answer.out)
    assert facts["programs"] == 2
    (failed,) = facts["failed"]
    assert failed.startswith("fedsvrpg-m on random-mdp: RuntimeError")
    assert failed in answer.err
    assert set(rounds) == {1}


def test_ctrl_c_keeps_what_is_done(fedrl: Fedrl, monkeypatch: pytest.MonkeyPatch) -> None:
    train, calls = federation.train, []

    def stop_at_the_second(runs: Sequence[Run], **more: Any) -> Any:
        calls.append(runs)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(runs, **more)

    monkeypatch.setattr(federation, "train", stop_at_the_second)
    answer = run_tiny(fedrl)
    assert answer.code == 130
    assert f"{len(calls[0])} of {RUNS} runs are stored" in answer.err
    assert "go on with: fedrl run tiny.toml" in answer.err
    assert json.loads(run_tiny(fedrl, "--json").out)["skipped"] == len(calls[0])


def test_the_module_is_the_same_program(fedrl: Fedrl) -> None:
    arguments = ["list", "families", "--json"]
    called = subprocess.run(
        [sys.executable, "-m", "fedrl", *arguments], capture_output=True, text=True, check=True
    )
    assert called.stdout == fedrl(*arguments).out
