"""b and ρ of log T = α + b log N + ρ log(1/ε), at step sizes chosen per N and ε."""

from dataclasses import replace
from typing import Any

import numpy as np

from fedrl.benchmark.claims.estimands import fairness
from fedrl.benchmark.claims.estimands.intervals import apart
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.verdict import Measured
from fedrl.reports.speedup.grids import Tuned, fitted, grids
from fedrl.reports.table.specification import Specification

CHOSEN = "N and ε"
FLOOR = 0.05  # share of hits at the first evaluation, from which on T is not what was measured
ASSUMES = (
    "log-normal hitting times with one b and one ρ for all N and ε; runs that never hit are "
    "censored at their budget",
    "every seed is scored at the step size that the other half of the seeds chose for its N and ε",
)


def speed_up(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """b of one algorithm: −1 is linear speed-up in steps per agent, 0 none."""
    fit = _fit(evidence, options, str(options["algorithm"]), level)
    against = (*_unfair(evidence, fit), *_floored(fit))
    return Measured(fit.fit.slope, len(fit.grid.seeds), (), against, fit.fit.missing, ASSUMES)


def exponent_gap(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """ρ of the rival minus ρ of the algorithm: how much less a smaller ε costs the algorithm."""
    own, other = (
        _fit(evidence, options, str(options[side]), level) for side in ("algorithm", "against")
    )
    missing = own.fit.missing or other.fit.missing
    found = apart(other.fit.exponent, own.fit.exponent)
    sides = _unfair(evidence, other), _unfair(evidence, own)
    return Measured(found, len(own.grid.seeds), *sides, missing, ASSUMES)


def _fit(evidence: Evidence, options: dict[str, Any], algorithm: str, level: float) -> Tuned:
    family = evidence.family(str(options["family"]))
    spec = replace(Specification(), level=level)
    criterion = str(options.get("criterion", "score"))
    one = replace(family, runs=tuple(r for r in family.runs if r.series.algorithm == algorithm))
    found = grids(one, spec, [criterion]) if one.runs else []
    if not found:
        raise NothingToMeasureError(
            f"study {evidence.study} has no step sizes of {algorithm} at several N for {criterion}"
        )
    return fitted(family, found[0], CHOSEN, spec)


def _unfair(evidence: Evidence, fit: Tuned) -> tuple[str, ...]:
    name = fit.grid.algorithm
    edge = f"{100 * fit.edge:.0f} % of {name}'s choices of η are at an end of what was tried"
    return (*fairness.untuned(evidence, name), *((edge,) if fit.edge > fairness.EDGE else ()))


def _floored(fit: Tuned) -> tuple[str, ...]:
    """T cannot be smaller than the first evaluation after training began, whatever N is."""
    times = fit.attempts.time[fit.attempts.hit]
    if not len(times):
        return ()
    first = float(np.min(times))
    share = float(np.mean(times <= first))
    if share <= FLOOR:
        return ()
    return (
        f"{100 * share:.0f} % of {fit.grid.algorithm}'s hits are at the first evaluation that can "
        "tell, which draws b towards 0",
    )
