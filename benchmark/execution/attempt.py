"""One batch, trained in this process by one thread: what its listener hears and what comes out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fedrl.benchmark.config.settings import located
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.checkpoint import Checkpoints, delayed
from fedrl.benchmark.execution.compilation import counting
from fedrl.benchmark.training.record import RunState
from fedrl.envs.family import Array

NEWS_EVERY = 0.5  # s between reports on the rounds

Result = tuple[dict[str, Array], Array, Array]  # columns, seconds and parameters of one run


class Started(NamedTuple):
    """A worker has begun the batch."""

    batch: Batch


class Advanced(NamedTuple):
    """The batch has finished this share of its rounds."""

    batch: Batch
    share: float


class Compiling(NamedTuple):
    """Numba has begun to compile this many functions for the batch; once per machine."""

    batch: Batch
    functions: int


class Finished(NamedTuple):
    """Results in the order of the batch."""

    batch: Batch
    results: list[Result]


class Failed(NamedTuple):
    """The batch has no results, and why in one line."""

    batch: Batch
    reason: str


class Lost(NamedTuple):
    """The batch's worker died, as when memory runs out; the batch is back in the queue."""

    batch: Batch
    reason: str


Event = Started | Compiling | Advanced | Finished | Failed | Lost
Listener = Callable[[Event], None]


@contextmanager
def one_thread() -> Iterator[None]:
    """Numbers depend on how many threads add them up: torch, BLAS and numba get one."""
    import numba
    import scipy.linalg  # noqa: F401  # numba's np.dot calls its BLAS: it must be there to be limited
    import torch
    from threadpoolctl import threadpool_limits

    before, before_numba = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
        numba.set_num_threads(before_numba)


def attempt(
    batch: Batch, listener: Listener, checkpoints: Checkpoints | None = None
) -> Finished | Failed:
    """Train the batch from its checkpoints; an error becomes one line, so that a study survives."""
    from fedrl.benchmark.training.federation import SAVE_EVERY, train

    last = 0.0

    def news(event: Event) -> None:
        nonlocal last
        if time.monotonic() - last >= NEWS_EVERY:
            last = time.monotonic()
            listener(event)

    def on_round(done: int, total: int) -> None:
        news(Advanced(batch, done / total))

    try:
        results: dict[int, Result] = {}
        for places, states in _same_round(batch, checkpoints):
            runs = [batch[place] for place in places]
            save = None if checkpoints is None else delayed(checkpoints.save, SAVE_EVERY)
            with counting(lambda functions: news(Compiling(batch, functions))):
                trained = train(runs, threads=1, on_round=on_round, states=states, on_state=save)
            for at, result in zip(places, trained, strict=True):
                results[at] = (result.columns, result.seconds, result.parameters)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C inside of a compiled function
            raise error.__cause__ from None
        return Failed(batch, located(error))
    return Finished(batch, [results[place] for place in range(len(batch))])


def _same_round(
    batch: Batch, checkpoints: Checkpoints | None
) -> list[tuple[list[int], list[RunState | None]]]:
    """Places in the batch and states of the runs that can go on together."""
    parts: dict[int, tuple[list[int], list[RunState | None]]] = {}
    for place, run in enumerate(batch):
        state = None if checkpoints is None else checkpoints.load(run)
        places, states = parts.setdefault(0 if state is None else state.round, ([], []))
        places.append(place)
        states.append(state)
    return list(parts.values())
