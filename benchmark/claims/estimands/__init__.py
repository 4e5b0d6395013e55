"""What a claim can be judged by: functions (evidence, options, level) → a number with interval."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fedrl.benchmark.claims.claim import Claim, ClaimError
from fedrl.benchmark.claims.estimands.bias import bias_order, residual
from fedrl.benchmark.claims.estimands.chosen import collapse_difference, tuned_difference
from fedrl.benchmark.claims.estimands.exponents import exponent_gap, speed_up
from fedrl.benchmark.claims.estimands.paired import area_difference, gap_difference
from fedrl.benchmark.claims.estimands.settings import fall_difference, setting_difference
from fedrl.benchmark.claims.evidence import Evidence
from fedrl.benchmark.claims.verdict import Measured
from fedrl.benchmark.config.registry import added
from fedrl.envs.validation import nearest

Estimand = Callable[[Evidence, dict[str, Any], float], Measured]

# With the options that are needed, and those that may be given.
ESTIMANDS: dict[str, tuple[Estimand, tuple[str, ...], tuple[str, ...]]] = {
    "speed-up": (speed_up, ("algorithm", "family"), ("criterion",)),
    "exponent-gap": (exponent_gap, ("algorithm", "family", "against"), ("criterion",)),
    "area-difference": (area_difference, ("algorithm", "family", "against"), ()),
    "gap-difference": (gap_difference, ("algorithm", "family", "kappa", "from_kappa"), ()),
    "tuned-difference": (tuned_difference, ("ours", "theirs"), ("family", "kappa")),
    "setting-difference": (setting_difference, ("ours", "theirs", "family"), ()),
    "collapse-difference": (
        collapse_difference,
        ("ours", "theirs"),
        ("family", "kappa", "contrast"),
    ),
    "fall-difference": (fall_difference, ("ours", "theirs"), ()),
    "residual": (residual, ("algorithm", "against", "step_size"), ()),
    "bias-order": (bias_order, ("algorithm", "step_sizes"), ()),
}
SIDES = ("ours", "theirs")  # tables that name an algorithm and values of its settings


@cache
def estimands() -> dict[str, Estimand]:
    """Every known estimand by name; group `fedrl.estimands`."""
    known = {name: measure for name, (measure, *_) in ESTIMANDS.items()}
    points = added(ESTIMANDS, "fedrl.estimands")
    return known | {name: point.load() for name, point in points.items()}


def check(claim: Claim) -> Estimand:
    """The claim's estimand; ClaimError where it is not known, or is not given what it needs."""
    if claim.estimand not in estimands():
        raise ClaimError(nearest("estimand", claim.estimand, estimands()))
    found = estimands()[claim.estimand]
    if claim.estimand not in ESTIMANDS:  # of another package, which knows its own
        return found
    _, needed, more = ESTIMANDS[claim.estimand]
    for part in claim.parts:
        given = {**claim.options, **part.options}
        where = f"claim {claim.name}, part {part.name}"
        for name in given:
            if name not in (*needed, *more):
                raise ClaimError(f"{where}: {nearest('option', name, [*needed, *more])}")
        lacking = [name for name in needed if name not in given]
        lacking += [
            f"{side}.algorithm"
            for side in SIDES
            if side in given and not (isinstance(given[side], dict) and "algorithm" in given[side])
        ]
        if lacking:
            raise ClaimError(f"{where}: {claim.estimand} needs the option {lacking[0]}")
    return found
