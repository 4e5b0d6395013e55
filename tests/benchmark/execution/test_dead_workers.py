"""A worker that is killed: its runs go back to the queue, and three deaths make a batch fail."""

from __future__ import annotations

import os
import sys
from collections import deque
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import STUDY

from fedrl.benchmark.cli.main import main
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution import workers
from fedrl.benchmark.execution.attempt import Event, Failed, Finished, Lost, Started
from fedrl.benchmark.execution.progress import Tally


def batch(index: int) -> list[Run]:
    return [Run(Config(family="random-mdp", algorithm="fedpg"), Seed("test", index))]


class Fatal:
    """A process that reads what it is to do ends at once, before it imports what it needs."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


def test_a_worker_that_cannot_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As where there is no memory for its imports: it ends by itself, before it was ready."""
    monkeypatch.setattr(workers, "serve", Fatal())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(STUDY)
    monkeypatch.setattr(sys, "argv", ["fedrl", "run", "small.toml", "--workers", "2"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(told) == 1
    assert "a worker process ended before it could start" in told[0]


@pytest.mark.parametrize("deaths", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("cut_short", [False, True])
def test_the_batch_of_a_killed_worker_is_computed_by_another(
    monkeypatch: pytest.MonkeyPatch, deaths: int, cut_short: bool
) -> None:
    """Whether it dies between two messages or within one."""
    bad, good = batch(0), batch(1)
    left = [deaths]

    class Mortal(workers._Worker):
        def assign(self, given: Any) -> None:
            self.batch = given
            self.theirs: Any
            self.theirs.send(Started([]))
            if given is bad and left[0]:
                left[0] -= 1
                if cut_short:
                    os.write(self.theirs.fileno(), b"\0\0\1\0half")
            else:
                self.theirs.send(Finished([], []))
                return
            self.theirs.close()

        def stop(self) -> None:
            self.connection.close()

    def start(_: Any) -> Mortal:
        ours, theirs = Pipe()
        worker = Mortal(SimpleNamespace(exitcode=-9, join=lambda _: None), ours)  # type: ignore[arg-type]
        worker.theirs = theirs
        return worker

    monkeypatch.setattr(workers._Worker, "start", start)
    heard: list[Event] = []
    tally = Tally([bad, good])

    def listen(event: Event) -> None:
        heard.append(event)
        tally.hear(event)

    workers.compute(deque([bad, good]), 2, listen)
    failed = deaths >= workers.DEATHS
    assert sum(isinstance(event, Lost) for event in heard) == min(deaths, workers.DEATHS - 1)
    assert [event.batch for event in heard if isinstance(event, Failed)] == [bad] * failed
    assert (tally.finished, tally.failed) == (2 - failed, failed)
    assert tally.share == 1.0
