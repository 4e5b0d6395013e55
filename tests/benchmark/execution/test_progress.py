"""Whoever waits is told what for."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution import progress
from fedrl.benchmark.execution.attempt import Advanced, Compiling, Finished, Started
from fedrl.benchmark.execution.compilation import counting
from fedrl.benchmark.execution.progress import Tally


def test_compilations_are_counted_and_loading_is_none() -> None:
    heard: list[int] = []

    @njit
    def twice(x):
        return 2 * x

    with counting(heard.append):
        twice(1.0)
        first = len(heard)
        twice(2.0)
        twice(np.ones(2))
    assert first >= 1
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) > first, "an array is another type"
    twice(np.ones(2, np.float32))
    assert len(heard) < first + 10
    count = len(heard)
    twice(np.ones((2, 2)))
    assert len(heard) == count, "nobody listens any more"


def test_what_is_left_is_told_from_the_work_and_not_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([65.0, 66.0, 67.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    batch = [Run(Config(family="opposed-pair", algorithm="fedpg"), Seed("test", 0))]
    tally = Tally([batch])
    tally.hear(Started(batch))
    tally.hear(Compiling(batch, 3))
    tally.hear(Advanced(batch, 0.25))  # at 65 s
    assert "left" not in tally.line()
    tally.hear(Advanced(batch, 0.5))
    assert tally.line().endswith("about 2 s left")  # 1 s for a quarter
    tally.hear(Advanced(batch, 0.75))
    assert tally.line().endswith("about 1 s left")


def test_nothing_is_left_when_every_run_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs of batches whose sum depends on its order, however well a Python adds."""
    costs = iter([2**-53, 2**-53, 1.0, 1.0, 2**-53, 2**-53])
    monkeypatch.setattr(progress, "cost_of", lambda batch: next(costs))
    config = Config(family="opposed-pair", algorithm="fedpg")
    batches = [[Run(config, Seed("test", seed))] for seed in range(3)]
    tally = Tally(batches)
    lines = []
    for batch in batches:
        tally.hear(Finished(batch, []))
        lines.append(tally.line())
    assert tally.share < 1
    assert lines[-1] == "3/3 finished, 0 running, 0 failed"


def test_the_line_says_that_kernels_are_compiled_until_a_round_is_done() -> None:
    config = Config(family="opposed-pair", algorithm="fedpg")
    batch = [Run(config, Seed("test", 0))]
    tally = Tally([batch])
    tally.hear(Started(batch))
    assert "compiling" not in tally.line()
    tally.hear(Compiling(batch, 3))
    assert tally.line().endswith(
        "1 running, 0 failed, compiling kernels, once per machine: function 3"
    )
    tally.hear(Advanced(batch, 0.5))
    assert "compiling" not in tally.line()
