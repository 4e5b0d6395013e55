"""Telling how far a report is, to whoever waits for it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def silent(stage: str) -> None:
    """Tell nobody."""


def told(tell: Callable[[str], None], parts: Sequence[T], names: Sequence[str]) -> Iterator[T]:
    """The parts one by one; before each, say which it is and of how many."""
    for place, (part, name) in enumerate(zip(parts, names, strict=True), 1):
        tell(f"drawing {name} ({place} of {len(parts)})")
        yield part
