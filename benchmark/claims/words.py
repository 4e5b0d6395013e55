"""Numbers and verdicts in words, for the terminal and for pages."""

import math

from fedrl.benchmark.claims.verdict import Measured
from fedrl.reports.table import formatting as fm


def interval(measured: Measured) -> str:
    """value [low, high] with two decimals, three significant digits where it is large."""
    found = measured.found
    if math.isnan(found.value):
        return ""
    if math.isnan(found.low):
        return number(found.value)
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def number(value: float) -> str:
    """Two decimals, three where they would be lost; a true minus sign, no negative zero."""
    if math.isinf(value):
        return fm.number(value)
    digits = 3 if abs(value) < 0.1 else 2 if abs(value) < 100 else 0
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
