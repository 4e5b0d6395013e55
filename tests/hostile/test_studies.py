"""Mutated studies: one line that names what is wrong, in seconds and megabytes; never a traceback.

FEDRL_HOSTILE_INPUTS says how many; `tox run -e hostile` tries 10 000.
"""

from __future__ import annotations

import os
import random
import resource
import time
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from mutations import Mutated, mutated, to_toml

from fedrl.benchmark.config.study import Study, load_study
from fedrl.benchmark.config.study_file import StudyError
from fedrl.benchmark.execution.batches import cut
from fedrl.benchmark.execution.estimate import size
from fedrl.benchmark.execution.execution import plan
from fedrl.benchmark.execution.executors import ExecutorError

INPUTS = int(os.environ.get("FEDRL_HOSTILE_INPUTS", "100"))
FIRST = int(os.environ.get("FEDRL_HOSTILE_FIRST", "0"))
SMALL = ("drift", "participation", "many_agents", "heavy_tails", "published_code", "quick")
SECONDS, BYTES = 10.0, 1e9
TABLES = {
    name: tomllib.loads(
        files("fedrl.benchmark").joinpath("studies", f"{name}.toml").read_text(encoding="utf-8")
    )
    for name in SMALL
}
DESIGN = """
title = "A design"
seeds = 2
[settings]
kappa = [0.0, 1.0]
rounds = 20
budget = 4000
[design]
kind = "sobol"
points = 8
seed = 1
evaluations = 10
[design.space.step_size]
low = 0.1
high = 3.2
relative = true
[design.space.local_steps]
low = 1
high = 20
scale = "linear"
levels = 3
[families.random-mdp]
size = 3
step_size = 0.2
[families.gymnasium]
id = "CartPole-v1"
step_size = 0.01
[families.gymnasium.ranges]
gravity = [7.8, 9.8, 11.8]
[algorithms.fedpg]
[tuning]
trials = 16
"""
TABLES["design"] = tomllib.loads(DESIGN)


def attempted(path: Path) -> Study | str:
    """The study and its size, as --dry-run computes it; or the message."""
    try:
        study = load_study(path)
    except StudyError as error:
        return str(error)
    size(cut(study.runs(), 2))
    return study


def names(message: str, case: Mutated) -> bool:
    """Whether the message says where: a key on the way to what was changed, or within it."""
    inside: object = case.table
    for key in case.path:
        inside = inside[key] if isinstance(inside, dict) else None
    kinds = {"families": "family", "algorithms": "algorithm"}
    said = {*case.path, *(kinds.get(key, key) for key in case.path)}
    said |= set(inside) if isinstance(inside, dict) else set()
    return any(repr(key)[1:-1] in message or key in message for key in said)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def test_a_mutated_study_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    path, before = tmp_path / "mutated.toml", peak()
    wrong: list[tuple[int, str]] = []
    slowest = 0.0
    for number in range(FIRST, FIRST + INPUTS):
        draw = random.Random(number)
        case = mutated(TABLES[draw.choice(list(TABLES))], draw)
        path.write_text(to_toml(case.table), encoding="utf-8")
        started = time.process_time()
        try:
            answer = attempted(path)
        except Exception as error:
            wrong.append((number, f"{case.kind} {case.path}: {error!r:.300}"))
            continue
        spent = time.process_time() - started
        slowest = max(slowest, spent)
        if spent > SECONDS:
            wrong.append((number, f"{case.kind} {case.path}: {spent:.1f} s"))
        if isinstance(answer, str):
            if "\n" in answer or len(answer) > 2000:
                wrong.append((number, f"{case.kind} {case.path}: not one line: {answer:.200}"))
            elif case.kind != "drop" and not names(answer, case):
                wrong.append((number, f"{case.kind} {case.path}: names no key: {answer:.200}"))
    assert not wrong, "\n".join(f"{number}: {what}" for number, what in wrong)
    assert peak() - before < BYTES
    print(
        f"{INPUTS} inputs, slowest {slowest:.2f} s, at most {(peak() - before) / 1e6:.0f} MB more"
    )


UNBOUNDED = [
    ("seeds=1000000000000", "seeds is 1000000000000; it must be at most"),
    (f"seeds=[{2**63}]", "seeds is above 2^63 - 1; it must be a whole number of 64 bits"),
    ("seeds=100000", "configurations × 100,000 seeds"),
    ("families.gridworld.width=100000", "width is 100000; it must be such that"),
    ("families.random-mdp.size=100000", "size is 100000; it must be such that"),
    ("design.space=3", "design.space is 3; it must be a table per hyperparameter"),
    ("design.space=true", "design.space is True; it must be a table"),
    ("design.space=0.5", "design.space is 0.5; it must be a table"),
    ("design.space.beta.levels=1000000000", "levels is 1000000000; it must be at most"),
    (f"design.points={2**40}", f"design.points is {2**40}; it must be at most"),
    ("design.space.local_steps={low=1,high=1e308,scale='linear',levels=3}", "local_steps is"),
    ("settings.rounds=1" + "0" * 400, "settings.rounds is above 2^63 - 1"),
    ("settings.kappa=" + "[" * 3000 + "]" * 3000, "nested"),
    ("settings.kappa=" + "[" * 40 + "1" + "]" * 40, "settings.kappa is nested deeper than"),
    ('families.gymnasium.id=".os:X"', "id is '.os:X'; it must be an id, or 'package:id'"),
]
SMALLEST = """
title = "Small"
seeds = 1
[families.gridworld]
[families.random-mdp]
[families.gymnasium]
[algorithms.fedpg-m]
"""
WITH_DESIGN = """
[design]
kind = "sobol"
[design.space.beta]
low = 0.1
high = 0.5
"""


@pytest.mark.parametrize(("setting", "expected"), UNBOUNDED, ids=lambda text: text[:30])
def test_a_study_without_bound_is_refused_before_it_is_made(
    tmp_path: Path, setting: str, expected: str
) -> None:
    path, started, before = tmp_path / "small.toml", time.process_time(), peak()
    path.write_text(SMALLEST + WITH_DESIGN * setting.startswith("design"))
    with pytest.raises(StudyError) as caught:
        load_study(path, [setting])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert time.process_time() - started < SECONDS
    assert peak() - before < BYTES


def test_crossed_lists_are_counted_before_they_are_crossed(tmp_path: Path) -> None:
    path = tmp_path / "crossed.toml"
    path.write_text(SMALLEST)
    thousand = str([number / 1000 for number in range(1, 1001)])
    settings = [f"settings.{name}={thousand}" for name in ("kappa", "beta", "step_size", "entropy")]
    started = time.process_time()
    with pytest.raises(StudyError, match=r"1,000,000,000,000.*settings.kappa has 1000"):
        load_study(path, settings)
    assert time.process_time() - started < 1.0


def test_a_file_that_is_no_plain_file_is_no_study(tmp_path: Path) -> None:
    """A FIFO would be waited for, a device read for ever."""
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("fifo.toml", "zero.toml"):
        with pytest.raises(StudyError, match="not a plain file"):
            load_study(tmp_path / name)


def test_a_name_that_is_no_text_is_no_study(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.toml"
    with open(path, "w") as file:
        file.write(SMALLEST)
    with pytest.raises(StudyError, match="its name is not UTF-8 text"):
        load_study(os.fsdecode(path))


def test_a_run_far_beyond_the_machine_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    path.write_text(SMALLEST)
    planned = plan(load_study(path, ["settings.agents=100000000000"]), tmp_path / "results")
    with pytest.raises(ExecutorError, match=r"a worker needs about [\d,]+ GB, and"):
        planned.prepare()
    assert not (tmp_path / "results").exists()


def test_a_study_of_the_largest_size_is_sized_in_seconds(tmp_path: Path) -> None:
    """As by --dry-run; configurations that differ in everything a list may hold."""
    path, started, before = tmp_path / "large.toml", time.process_time(), peak()
    path.write_text(SMALLEST)
    ten = str(list(range(1, 11)))
    overrides = ["seeds=10", "families.gridworld.width=32", "families.gridworld.height=32"]
    overrides += [f"settings.{name}={ten}" for name in ("agents", "local_steps", "episodes")]
    overrides += ["settings.kappa=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]"]
    study = load_study(path, overrides)
    assert len(study.configs()) == 18_000
    planned = plan(study, tmp_path / "results", 2)
    assert len(planned.missing) == 180_000
    assert planned.size.runs == 180_000
    assert time.process_time() - started < SECONDS
    assert peak() - before < BYTES


def test_environments_are_counted_before_they_are_made(tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text(SMALLEST)
    costs = str([number / 1000 for number in range(1, 301)])
    with pytest.raises(StudyError, match=r"environments families.gridworld is 300; .*step_cost"):
        load_study(path, [f"families.gridworld.step_cost={costs}"])
