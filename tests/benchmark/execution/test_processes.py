"""Laws of processes that help: they begin when they are needed, and end with the block."""

import time
from multiprocessing import active_children

import pytest

from fedrl.benchmark.execution.processes import helpers


def test_one_worker_has_no_helper() -> None:
    with helpers(1) as pool:
        assert pool is None


def test_they_begin_with_the_first_task_and_end_with_the_block() -> None:
    before = active_children()
    with helpers(2) as pool:
        assert pool is not None
        assert active_children() == before
        assert pool.submit(abs, -2).result() == 2
        assert len(active_children()) == len(before) + 1
    assert active_children() == before


def test_nobody_waits_for_them_after_ctrl_c() -> None:
    def interrupted() -> None:
        with helpers(3) as pool:
            assert pool is not None
            pool.expect("json")
            for _ in range(9):
                pool.submit(time.sleep, 600)
            raise KeyboardInterrupt

    before, begun = active_children(), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert active_children() == before
    assert time.monotonic() - begun < 60
