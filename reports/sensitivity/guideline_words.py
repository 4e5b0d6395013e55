"""The words of guidelines: counts, and shares rounded so that what is said holds."""

from typing import NamedTuple

import numpy as np


class Sentence(NamedTuple):
    """One sentence, the rule it follows from, and the number that decided."""

    rule: str
    text: str
    decided: str


def places(count: int) -> str:
    """How many."""
    return f"{count} environments" if count != 1 else "one environment"


def everywhere(count: int) -> str:
    """All of them."""
    return f"all {count} environments" if count != 1 else "the one environment"


def rounded(share: float, digits: int = 2) -> float:
    """To these digits after the point, or significant ones below a tenth."""
    return float(f"{share:.{digits}g}") if share < 0.1 else round(share, digits)


def floored(share: float) -> float:
    """Round a lower bound down."""
    return float(np.floor(1000 * share + 1e-9) / 1000)
