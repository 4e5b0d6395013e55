"""Errors that say what is wrong, what would be right, and the nearest valid name."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

LONGEST = 200  # characters of a value in a message


def require(holds: bool, name: str, value: object, allowed: str) -> None:
    """Raise the error that says what is wrong and what would be right.

    >>> require(1.5 <= 1, "participation", 1.5, "in (0, 1]")
    Traceback (most recent call last):
    ValueError: participation is 1.5; it must be in (0, 1]
    """
    if not holds:
        raise ValueError(f"{name} is {shown(value)}; it must be {allowed}")


def shown(value: object) -> str:
    """A value as it is written in a message: a long one ends in ... after its beginning.

    >>> shown("fedpg"), len(shown("x" * 1000))
    ("'fedpg'", 203)
    """
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def require_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise the error that names the nearest known name."""
    for name in names:
        if name not in known:
            raise ValueError(nearest(kind, name, known))


def nearest(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name: what is wrong, the nearest valid name, and all of them.

    >>> nearest("family", "cartpol", ["gridworld", "cartpole"])
    "no family 'cartpol'; did you mean 'cartpole'? Known: gridworld, cartpole"
    >>> nearest("hyperparameter of fedpg", "x", [])
    "no hyperparameter of fedpg 'x'; there is none, leave it out"
    """
    known = list(known)
    if not known:
        return f"no {kind} {shown(name)}; there is none, leave it out"
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"no {kind} {shown(name)}{hint} Known: {', '.join(known)}"
