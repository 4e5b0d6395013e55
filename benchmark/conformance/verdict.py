"""The error of a broken law: one sentence."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class ConformanceError(AssertionError):
    """A law that does not hold; the message is one sentence."""


def hold(holds: Any, sentence: str) -> None:
    """Raise the sentence unless the law holds."""
    if not holds:
        raise ConformanceError(sentence)


def hold_same(one: Any, two: Any, sentence: str) -> None:
    """Raise unless two tuples of arrays have the same bits; the first different one is named."""
    names = getattr(one, "_fields", range(len(one)))
    hold(len(one) == len(two), sentence)
    for name, left, right in zip(names, one, two, strict=True):
        hold(same_bits(left, right), f"{sentence}; {name} differs")


def same_bits(one: Any, two: Any) -> bool:
    """Whether two arrays are the same; NaN is NaN."""
    return np.array_equal(one, two, equal_nan=np.asarray(one).dtype.kind == "f")


def hold_refused(call: Callable[[], Any], words: Sequence[str], what: str) -> None:
    """Raise unless the call is refused by a ValueError that says all the words."""
    try:
        call()
    except ValueError as error:
        for word in words:
            said = word in str(error)
            hold(said, f"{what} is refused, but the error does not say {word!r}: {error}")
        return
    raise ConformanceError(f"{what} is accepted; it must raise a ValueError that says {words[0]!r}")
