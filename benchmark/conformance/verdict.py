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
        same = np.array_equal(left, right, equal_nan=_may_hold_nan(left))
        hold(same, f"{sentence}; {name} differs")


def hold_refused(call: Callable[[], Any], words: Sequence[str], what: str) -> None:
    """Raise unless the call is refused by a ValueError that says all the words."""
    try:
        call()
    except ValueError as error:
        missing = [word for word in words if word not in str(error)]
        hold(
            not missing,
            f"{what} is refused, but the error does not say {missing[0] if missing else ''!r}: "
            f"{error}",
        )
        return
    raise ConformanceError(f"{what} is accepted; it must raise a ValueError that says {words[0]!r}")


def _may_hold_nan(values: Any) -> bool:
    return bool(np.asarray(values).dtype.kind == "f")
