"""Pieces of a report that are drawn at the same time, by this process and by others that help it.

They are the same bytes wherever they are drawn.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.drawing.figures import paper

# What Python shows of warnings, unless it is asked not to.
TOLD = (UserWarning, RuntimeWarning, FutureWarning)


class Piece(NamedTuple):
    """What can be drawn without the others."""

    stage: str  # told when this process comes to it
    draw: Callable[[Any], Any]
    context: Any  # what it is drawn from; many pieces may have the same


class Making(NamedTuple):
    """Who takes part when a report is made."""

    tell: Callable[[str], None]  # hears how far it is
    pool: Executor | None  # helps to draw
    meanwhile: Callable[[], object]  # what else there is for this process to do, while others draw


class Drawing:
    """Pieces at work: a pool begins at once, this process when it is to finish."""

    def __init__(self, pieces: Sequence[Piece], size: str, making: Making) -> None:
        self._tell = making.tell
        self._begun = [*zip(pieces, _submitted(pieces, size, making.pool), strict=True)]
        making.meanwhile()

    def finish(self) -> list[Any]:
        """What the pieces are; this process draws those that nobody has begun, in their order."""
        here, stage = {}, ""
        for place, (piece, begun) in enumerate(self._begun):
            if piece.stage != stage:
                stage = piece.stage
                self._tell(stage)
            if begun.cancel():
                here[place] = piece.draw(piece.context)
        return [
            here[place] if place in here else _drawn(piece, begun)
            for place, (piece, begun) in enumerate(self._begun)
        ]


@contextmanager
def on_paper(size: str) -> Iterator[None]:
    """Figures inside are as wide as a column of `size`, and no score is too large for them."""
    # Scores that overflowed are data here: ∞ − ∞ deserves no warning.
    with paper(size), np.errstate(invalid="ignore", over="ignore"):
        yield


def _submitted(pieces: Sequence[Piece], size: str, pool: Executor | None) -> list[Future[Any]]:
    """A future of each piece; without a pool nobody begins it."""
    if pool is not None:
        contexts = {id(piece.context): piece.context for piece in pieces}
        # A pool would pack them again for each piece.
        packed = {key: bytes(ForkingPickler.dumps(own)) for key, own in contexts.items()}
        with suppress(BrokenExecutor):  # a process of it was killed
            return [
                pool.submit(_elsewhere, piece.draw, packed[id(piece.context)], size)
                for piece in pieces
            ]
    return [Future() for _ in pieces]


def _drawn(piece: Piece, begun: Future[Any]) -> Any:
    """What another process made of a piece."""
    try:
        return begun.result()
    except Exception:  # it failed, warned or was killed: here errors and warnings have their place
        return piece.draw(piece.context)


def _elsewhere(draw: Callable[[Any], Any], packed: bytes, size: str) -> Any:
    with on_paper(size), warnings.catch_warnings():
        for kind in TOLD:
            warnings.simplefilter("error", kind)
        return draw(_context(packed))


@lru_cache(maxsize=2)
def _context(packed: bytes) -> Any:
    """What the process that began this one has sent, once for all pieces that it is of."""
    return ForkingPickler.loads(packed)
