"""Laws of curves from outside: what a file says is what is read, and nothing is paired."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_report import synthetic

from fedrl import resample
from fedrl.benchmark.publishing.outside import import_report, records_of
from fedrl.benchmark.publishing.outside_files import read
from fedrl.benchmark.publishing.verification import verify
from fedrl.benchmark.storage.files import StoreError
from fedrl.reports.table.columns import (
    COUNTED,
    HETEROGENEITY,
    MEANINGS,
    REQUIRED,
    SUMMARIES,
    THEORY_EXPONENT,
    VALUE_ERROR,
    meaning,
)
from fedrl.reports.table.records import families
from places import ROOT

STEPS, SCORES = [0, 100, 200, 300], [0.0, 1.0, 3.0, 4.0]


def told(curves: Any) -> list[tuple[str, str, list[float], list[float]]]:
    return [(c.algorithm, c.run, c.steps.tolist(), c.score.tolist()) for c in curves]


def test_a_plain_csv(tmp_path: Path) -> None:
    rows = [
        {"algorithm": a, "seed": s, "timesteps": x, "return": y + s}
        for a in ("ppo", "a2c")
        for s in (0, 1)
        for x, y in zip(STEPS, SCORES, strict=True)
    ]
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv(tmp_path / "c.csv", index=False)
    found = told(read(tmp_path / "c.csv"))
    assert [(a, s) for a, s, *_ in found] == [
        ("a2c", "0"),
        ("a2c", "1"),
        ("ppo", "0"),
        ("ppo", "1"),
    ]
    assert found[1][2:] == (STEPS, [1.0, 2.0, 4.0, 5.0])


def test_an_export_of_weights_and_biases(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Step": STEPS, "ppo-seed3 - return": SCORES})
    frame["ppo-seed3 - return__MIN"] = frame["ppo-seed3 - return__MAX"] = 9.0
    frame["a2c_1 - return"] = [np.nan, 1.0, np.nan, 2.0]
    frame.to_csv(tmp_path / "wandb.csv", index=False)
    assert told(read(tmp_path / "wandb.csv")) == [
        ("ppo", "3", STEPS, SCORES),
        ("a2c", "1", [100, 300], [1.0, 2.0]),
    ]


def test_evaluations_and_monitors_of_stable_baselines(tmp_path: Path) -> None:
    results = np.array([[s - 1, s + 1] for s in SCORES])
    np.savez(tmp_path / "evaluations.npz", timesteps=STEPS, results=results, ep_lengths=results)
    ((_, _, steps, score),) = told(read(tmp_path / "evaluations.npz", algorithm="PPO"))
    assert (steps, score) == (STEPS, SCORES)
    lines = ["#{}", "r,l,t", *(f"{i // 20},10,{i}" for i in range(40))]
    (tmp_path / "monitor.csv").write_text("\n".join(lines))
    ((_, _, steps, score),) = told(read(tmp_path / "monitor.csv"))
    assert (steps, score) == ([200, 400], [0.0, 1.0])


def test_json_of_marl_eval(tmp_path: Path) -> None:
    points = {
        f"step_{i}": {"step_count": x, "elapsed_time": 1, "mean_episode_return": [y, y]}
        for i, (x, y) in enumerate(zip(STEPS, SCORES, strict=True))
    }
    run = points | {"absolute_metrics": {"mean_episode_return": [9]}}
    data = {"smac": {"3m": {"qmix": {"seed_0": run}}}}
    (tmp_path / "m.json").write_text(json.dumps(data))
    (curve,) = read(tmp_path / "m.json")
    assert (curve.family, *told([curve])[0]) == ("smac/3m", "qmix", "seed_0", STEPS, SCORES)


def test_tensorboard_events(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "ppo" / "2") as writer:
        for x, y in zip(STEPS, SCORES, strict=True):
            writer.add_scalar("rollout/ep_rew_mean", y, x)
    assert told(read(tmp_path)) == [("ppo", "2", STEPS, SCORES)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "algorithm,seed\nppo,0\n", "has no column steps or step"),
        ("a.csv", "steps,score\n0,\n", "has no point"),
        ("a.csv", "steps,score\n0,1\nsteps,score\n", "is not a CSV with .* 'steps'"),
        ("a.csv", "steps,score\n-5,1\n", "has a point at -5 steps"),
        ("a.json", "{", "is not a CSV with"),
        ("a.npz", "nothing", "is not a CSV with"),
        ("a.pdf", "nothing", "it must be a CSV with"),
    ],
)
def test_what_is_no_curve_is_named(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError, match=said):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.csv",
            "algorithm,seed,steps,score\nppo,0,0,1\nppo,0,,2\nppo,0,2,inf\nppo,0,3,\na,1,0,nan\n"
            "a,1,1,1\na,1,1,2\n",
            "5 of 7 points are left out: steps is not finite in 1, score is not finite in 3, "
            "1 have the steps of another one of their run",
        ),
        (
            "a.csv",
            "Step,ppo_0 - return,a2c_0 - return\n0,1,\n1,,2\n2,NaN,\n",
            "1 of 3 points are left out: ppo_0 - return is not finite in 1",
        ),
    ],
)
def test_points_that_are_left_out_are_counted_by_column(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.warns(UserWarning, match="are left out") as caught:
        read(tmp_path / name)
    assert [str(one.message) for one in caught] == [f"{tmp_path / name}: {said}"]


def test_marks_of_the_scale_are_finite_and_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("steps,score\n0,1\n")
    for marks, said in (
        ({"random": math.nan}, "--random is nan; it must be a finite score"),
        ({"reference": math.inf}, "--reference is inf; it must be a finite score"),
        ({"random": 5.0, "reference": 5.0}, "--reference is 5; it must be above --random, 5"),
    ):
        with pytest.raises(StoreError, match=said):
            import_report([tmp_path / "a.csv"], tmp_path / "out", title="", **marks)
    assert not (tmp_path / "out").exists()


def test_a_report_of_imported_curves_says_so_verifies_and_pairs_nothing(
    tmp_path: Path, drawings: dict[bytes, Path], drawn: None
) -> None:
    generator = np.random.default_rng(0)
    rows = [
        {"algorithm": a, "seed": s, "steps": x, "score": y + 0.1 * generator.random()}
        for a in ("ppo", "a2c")
        for s in range(3)
        for x, y in zip(STEPS, SCORES, strict=True)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "c.csv", index=False)
    out = tmp_path / "out"
    frame = import_report([tmp_path / "c.csv"], out, title="Ours", random=0.0, reference=4.0)
    seeds = frame.groupby("algorithm")["seed"].unique()
    assert not set(seeds["ppo"]) & set(seeds["a2c"])
    assert set(frame["origin"]) == {"outside"}
    page = (out / "index.html").read_text("utf-8")
    assert "not replayable" in page
    assert 'id="table-imported-paired"' not in page
    assert 'id="table-imported-complexity"' in page
    drawings.clear()
    assert verify(out).identical


def test_resampling_is_linear_and_ends_with_the_run() -> None:
    records = synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=5)
    (family,) = families(records)
    run = family.runs[0]
    middle, beyond = (run.steps[1] + run.steps[2]) / 2, run.steps[-1] * 2
    found = resample(records, [run.steps[1], middle, beyond]).query("seed == @run.seed")
    expected = [run.score[1], (run.score[1] + run.score[2]) / 2, np.nan]
    np.testing.assert_allclose(found["score"], expected)
    with pytest.raises(ValueError, match="rising"):
        resample(records, [2, 1])


def test_every_column_of_the_contract_has_a_meaning() -> None:
    assert {*REQUIRED, *COUNTED, HETEROGENEITY, THEORY_EXPONENT, VALUE_ERROR} == set(MEANINGS)
    assert meaning("agent_score_3") == "3, the agent whose score this is"
    assert meaning("diagnostic_weight_max").startswith("weight max, measured inside")
    assert meaning("step_size").startswith("setting")
    page = (ROOT / "docs/guide/records.md").read_text("utf-8")
    for name, words in (MEANINGS | SUMMARIES).items():
        assert f"| `{name}` | {words} |" in page


def test_imported_records_have_the_columns_of_the_contract(tmp_path: Path) -> None:
    pd.DataFrame({"steps": STEPS, "score": SCORES}).to_csv(tmp_path / "x.csv", index=False)
    frame = records_of(read(tmp_path / "x.csv", "env", "ppo"))
    assert set(REQUIRED) <= set(frame.columns)
    assert frame["random"].unique().tolist() == [0.0]
