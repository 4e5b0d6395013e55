"""What a claim can be judged by: functions (evidence, options, level) → a number with interval."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fedrl.benchmark.claims.claim import ClaimError
from fedrl.benchmark.claims.estimands.bias import bias_order, residual
from fedrl.benchmark.claims.estimands.chosen import collapse_difference, tuned_difference
from fedrl.benchmark.claims.estimands.exponents import exponent_gap, speed_up
from fedrl.benchmark.claims.estimands.paired import area_difference, gap_difference
from fedrl.benchmark.claims.estimands.settings import setting_difference
from fedrl.benchmark.claims.evidence import Evidence
from fedrl.benchmark.claims.verdict import Measured
from fedrl.benchmark.config.registry import added
from fedrl.envs.validation import nearest

Estimand = Callable[[Evidence, dict[str, Any], float], Measured]

ESTIMANDS: dict[str, Estimand] = {
    "speed-up": speed_up,
    "exponent-gap": exponent_gap,
    "area-difference": area_difference,
    "gap-difference": gap_difference,
    "tuned-difference": tuned_difference,
    "setting-difference": setting_difference,
    "collapse-difference": collapse_difference,
    "residual": residual,
    "bias-order": bias_order,
}


@cache
def estimands() -> dict[str, Estimand]:
    """Every known estimand by name; group `fedrl.estimands`."""
    points = added(ESTIMANDS, "fedrl.estimands")
    return {**ESTIMANDS, **{name: point.load() for name, point in points.items()}}


def find(name: str) -> Estimand:
    """The estimand of that name; ClaimError names the nearest."""
    if name not in estimands():
        raise ClaimError(nearest("estimand", name, estimands()))
    return estimands()[name]
