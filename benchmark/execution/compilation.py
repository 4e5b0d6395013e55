"""Hearing of compilations, so that whoever waits can be told what for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(tell: Callable[[int], None]) -> Iterator[None]:
    """Call `tell` with how many functions numba has begun to compile here, at each of them.

    What numba's cache on disk holds is loaded, not compiled.
    """
    from numba.core import event

    class Count(event.Listener):  # type: ignore[misc]
        count = 0

        def on_start(self, event: object) -> None:
            self.count += 1
            tell(self.count)

        def on_end(self, event: object) -> None:
            pass

    with event.install_listener("numba:compile", Count()):
        yield
