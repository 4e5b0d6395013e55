"""Every command that writes, killed at any moment and repeated: the same bytes as undisturbed.

FEDRL_HOSTILE_KILLS says how many; `tox run -e hostile` kills 200 times.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import STUDY, contents
from forked import Ended, begin, call

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training import federation

KILLS = int(os.environ.get("FEDRL_HOSTILE_KILLS", "4"))
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MORE = """
[tuning]
trials = 2
wave = 2
seeds = 3
select_seeds = 3
finalists = 1
"""
DESIGN = """
title = "Designed"
seeds = 2
[settings]
agents = 2
local_steps = 1
rounds = 3
evaluate_every = 1
[design]
kind = "grid"
[design.space.step_size]
values = [0.1, 0.5]
[families.opposed-pair]
[algorithms.fedpg]
"""
DAY = ("--date", "2026-01-01")


class Command(NamedTuple):
    """A command that writes, and how often it is killed."""

    words: str
    often: int
    before: str = ""  # what another command made, and this one makes again


ONE = "--workers 1"
COMMANDS = (
    Command(f"run small.toml {ONE} --results new", 8),
    Command(f"run small.toml {ONE}", 6, "half of the results"),
    Command(f"tune small.toml {ONE} --results new --out new-tuned", 5),
    Command("merge results --into new", 4),
    Command("records small.toml --out new.csv", 2),
    Command("mirror small.toml --to tensorboard --out new", 3),
    Command("cross small.toml", 1),
    Command("report small.toml", 2, "report"),
    Command(f"publish small.toml --out public {' '.join(DAY)}", 2, "publish"),
    Command("publish small.toml --out public --redraw", 1, "publish"),
    Command(f"sensitivity designed.toml {ONE} --results new", 1),
    Command("open public --no-browser --out new", 1),
    Command("import curves.csv --out new", 1),
    Command("doctor --sweep", 1, "checkpoint"),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kills")
    (place / "small.toml").write_text(STUDY + MORE)
    (place / "designed.toml").write_text(DESIGN)
    rows = [f"{a},{s},{t},{t * s}" for a in "ab" for s in range(3) for t in range(3)]
    (place / "curves.csv").write_text("\n".join(["algorithm,seed,steps,score", *rows]))
    for words in (f"run small.toml {ONE}", "report small.toml", COMMANDS[8].words):
        assert call(words.split(), place).code == 0
    (place / "results" / "small" / "report" / "mine.txt").write_text("of the user")
    return place


def _prepared(template: Path, place: Path, command: Command) -> None:
    shutil.copytree(template, place)
    store = Store(place / "results", "small")
    runs = load_study(place / "small.toml").runs()
    if command.before == "half of the results":
        for run in runs[::2]:
            for path in store.config_folder(run.config).glob(f"{store.path(run).stem}.*"):
                path.unlink()
    elif command.before == "checkpoint":
        for run in runs:
            store.path(run).with_suffix(".checkpoint").write_bytes(b"spent")


def _same(ended: Ended, place: Path, other: Path) -> str | None:
    """What differs between two folders, but for wall seconds and what is kept aside."""
    if ended.code:
        return f"exit code {ended.code}: {ended.text[-1500:]}"
    here, there = contents(place), contents(other)
    names = sorted(
        name for name in {*here, *there} if _steady(name) and here.get(name) != there.get(name)
    )
    left = [path for path in place.rglob(".*") if path.name != ".lock"]
    return f"differ: {names[:5]}, left over: {left[:5]}" if names or left else None


def _steady(name: str) -> bool:
    """Whether equal commands give equal bytes: reports have wall seconds, journals times."""
    return not name.startswith("new/designed/report/") and not name.endswith("journal.log")


@pytest.mark.long
def test_a_killed_command_that_is_repeated_gives_the_bytes_of_an_undisturbed_one(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(federation, "SAVE_EVERY", 0.0)  # a checkpoint of every round
    draw, wrong, met = random.Random(0), [], 0
    undisturbed: dict[str, tuple[Path, float]] = {}
    for _ in range(100 * KILLS):
        if met == KILLS:
            break
        command = draw.choices(COMMANDS, [command.often for command in COMMANDS])[0]
        words = command.words.split()
        if command.words not in undisturbed:
            whole = tmp_path / str(len(undisturbed))
            _prepared(template, whole, command)
            ended = call(words, whole)
            assert ended.code == 0, (command, ended)
            undisturbed[command.words] = whole, ended.seconds
        whole, seconds = undisturbed[command.words]
        place = tmp_path / "place"
        _prepared(template, place, command)
        child = begin(words, place)
        time.sleep(draw.uniform(0.05, 1.0) * seconds)
        number = draw.choice(SIGNALS)
        child.kill(number)
        first = child.wait()
        if first.code:
            met += 1
            if first.code not in (-number, 130) or "Traceback" in first.text:
                wrong.append(f"{command.words}, {number.name}: {first}")
            if fault := _same(call(words, place), place, whole):
                wrong.append(f"{command.words}, {number.name}: {fault}")
        shutil.rmtree(place)
        print(f"{met} of {KILLS}, {command.words}: {first.code}; wrong: {wrong}", flush=True)
    assert not wrong, f"{len(wrong)} of {KILLS}\n" + "\n\n".join(wrong)
    assert met == KILLS


@pytest.mark.long
@pytest.mark.parametrize("size", [2_000, 20_000, 60_000] if KILLS >= 100 else [20_000])
def test_a_disk_that_is_full_stops_publishing_and_the_same_command_finishes(
    template: Path, tmp_path: Path, size: int
) -> None:
    command = Command(COMMANDS[8].words.replace("public", "new"), 1)
    words = command.words.split()
    _prepared(template, tmp_path / "place", command)
    full = call(words, tmp_path / "place", file_size=size)
    assert full.code == 2, full
    assert "cannot write" in full.text
    assert "Traceback" not in full.text
    assert not (tmp_path / "place" / "new").exists()
    again = call(words, tmp_path / "place")
    assert again.code == 0, again
    made, public = contents(tmp_path / "place" / "new"), contents(tmp_path / "place" / "public")
    assert made == public
