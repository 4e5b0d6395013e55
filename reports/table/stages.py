"""How a report comes along: in stages, which are told to whoever waits for it."""

from collections.abc import Sequence

FEW = 40  # runs; a report of fewer is drawn before another process could help


def silent(stage: str) -> None:
    """Tell nobody."""


def named(parts: Sequence[str]) -> list[str]:
    """What is told of each part: which it is, and of how many.

    >>> named(["cartpole", "gridworld"])
    ['drawing cartpole (1 of 2)', 'drawing gridworld (2 of 2)']
    """
    return [f"drawing {name} ({place} of {len(parts)})" for place, name in enumerate(parts, 1)]
