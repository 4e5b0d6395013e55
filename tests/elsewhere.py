"""Pools for tests of reports: nobody is late, so all that can be drawn elsewhere is."""

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Any


class Copies(Executor):
    """In this process, in no time with `sketches`; what goes there and back is packed."""

    def __init__(self) -> None:
        self.drawn = 0

    def submit(self, draw: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            made = draw(*pickle.loads(pickle.dumps(given)), **named)
            future.set_result(pickle.loads(pickle.dumps(made)))
            self.drawn += 1
        except Exception as error:
            future.set_exception(error)
        return future


class OtherProcess(ProcessPoolExecutor):
    """One that is waited for."""

    def __init__(self) -> None:
        super().__init__(1, get_context("spawn"))

    def submit(self, draw: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future = super().submit(draw, *given, **named)
        wait([future])
        return future
