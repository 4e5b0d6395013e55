"""Laws of pieces: each is drawn once, here or elsewhere, and what goes wrong is told here."""

import os
import traceback
import warnings
from concurrent.futures import Executor, Future
from multiprocessing import parent_process
from typing import Any

import pytest
from elsewhere import Copies, OtherProcess

from fedrl.reports.drawing.side_by_side import Drawing, Making, Piece
from fedrl.reports.table.stages import silent


class Unhurried(Executor):
    """Takes every second piece, and ends them in no order."""

    def __init__(self) -> None:
        self.taken: list[Future[Any]] = []

    def submit(self, draw: Any, /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if len(self.taken) % 2:
            future.set_running_or_notify_cancel()
        self.taken.append(future)
        return future


def made(pieces: list[Piece], pool: Executor | None, told: list[str] | None = None) -> list[Any]:
    tell = silent if told is None else told.append
    return Drawing(pieces, "", Making(tell, pool, list)).finish()


def doubled(context: int) -> int:
    return 2 * context


def pieces(count: int = 6) -> list[Piece]:
    return [Piece(f"part {i // 3}", doubled, i) for i in range(count)]


def test_pieces_keep_their_order_and_stages_are_told_once() -> None:
    for pool in (None, Copies()):
        told: list[str] = []
        assert made(pieces(), pool, told) == [0, 2, 4, 6, 8, 10]
        assert told == ["part 0", "part 1"]


def test_what_nobody_has_begun_is_drawn_here_while_others_are_at_work() -> None:
    pool, here = Unhurried(), []

    def draw(context: int) -> int:
        here.append(context)
        if context == 4:  # the last that is drawn here: the others come to an end
            for place in (5, 3, 1):
                pool.taken[place].set_result(2 * place)
        return 2 * context

    drawing = [Piece("", draw, i) for i in range(6)]
    assert made(drawing, pool) == [0, 2, 4, 6, 8, 10]
    assert here == [0, 2, 4]


def test_something_else_is_done_while_others_draw() -> None:
    pool = Unhurried()
    begun: list[int] = []
    Drawing(pieces(), "", Making(silent, pool, lambda: begun.append(len(pool.taken))))
    assert begun == [6]


def failing(context: str) -> None:
    raise ValueError(context)


def test_an_error_elsewhere_has_its_place_here() -> None:
    with pytest.raises(ValueError, match="no such score") as raised:
        made([Piece("", failing, "no such score")], Copies())
    assert traceback.extract_tb(raised.value.__traceback__)[-1].name == "failing"


def killed(context: int) -> None:
    if parent_process() is not None:
        os._exit(1)  # as when memory runs out


def test_the_pieces_of_a_process_that_was_killed_are_drawn_here() -> None:
    with OtherProcess() as pool:
        assert made([Piece("", killed, 1)], pool) == [None]
        assert made(pieces(), pool) == [0, 2, 4, 6, 8, 10]  # a pool is of no use after that


def warning(context: int) -> int:
    warnings.warn(f"no glyph {context}", UserWarning, stacklevel=1)
    return context


def test_a_warning_elsewhere_is_heard_here() -> None:
    with pytest.warns(UserWarning, match="no glyph 7"):
        assert made([Piece("", warning, 7)], Copies()) == [7]
