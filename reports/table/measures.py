"""Measures that a curve can show, and cost axes that it can be drawn against."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.columns import DIAGNOSTIC
from fedrl.reports.table.outcome import carried_on, intended
from fedrl.reports.table.runs import Family, Run

AXES = {  # cost, and how it is written under an axis
    "steps_per_agent": "environment steps per agent",
    "steps_total": "environment steps, all agents",
    "trajectories_per_agent": "trajectories per agent",
    "floats": "floats sent and received per agent",
    "bits_up": "bits sent per agent",
    "simulated_seconds": "simulated seconds",
    "epsilon": "privacy spent, ε",
    "seconds": "seconds of compute",
    "round": "rounds",
}
NAMES = {  # of columns whose plain name does not say what they are
    "value_error": "largest error of Q",
    "heterogeneity": "ζ², spread of the agents' gradients",
    "diagnostic_weight_mean": "importance weight, mean",
    "diagnostic_weight_max": "importance weight, largest",
    "diagnostic_weight_ess": "effective sample size, share",
    "diagnostic_weight_capped": "weights above the cap, share",
    "diagnostic_drift": "drift ‖θ − θ_r‖",
    "diagnostic_direction_norm": "norm of a local direction",
    "diagnostic_momentum_norm": "norm of the momentum",
    "diagnostic_cosine": "cosine between agents",
    "diagnostic_entropy": "policy entropy, nats",
}


DIGITS = 12  # of a number that went through logarithms: all processors agree on these


class Measure(NamedTuple):
    """One quantity over training."""

    key: str
    label: str
    of: Callable[[Run], Array]  # (P,), NaN where unknown
    log: bool = False  # drawn, and averaged, on a logarithmic scale
    floor: float = 1e-300  # what zero is drawn at on it
    resampled: bool = False  # its band is a bootstrap interval, else the range over seeds
    end: Callable[[Run], float] | None = None  # where a diverged run goes on, else it ends

    def forth(self, values: Array) -> Array:
        """To the scale of averaging."""
        return np.log10(np.maximum(values, self.floor)) if self.log else values

    def back(self, values: Any) -> Array:
        """From the scale of averaging; what processors make of 10^x differs in its last digits."""
        if not self.log:
            return np.asarray(values)
        powers = (10.0 ** np.asarray(values)).tolist()
        return np.array([float(f"{power:.{DIGITS}g}") for power in powers])


def measures_of(family: Family) -> list[Measure]:
    """The score, ‖∇J‖² where it is known, and every diagnostic that has a value."""
    found = [score(family)]
    if family.has_stationarity:
        found.append(stationarity(family))
    return found + diagnostics_of(family)


def score(family: Family) -> Measure:
    """Return the measure that the family is scored by."""
    name = family.unit.split(",")[0]
    return Measure("score", name, lambda run: run.score, resampled=True, end=lambda run: run.final)


def stationarity(family: Family) -> Measure:
    """‖∇J(θ)‖², log scale."""
    floor = _smallest([run.stationarity for run in family.runs])
    return Measure(
        *("stationarity", "‖∇J(θ)‖²", lambda run: run.stationarity),
        log=True,
        floor=floor,
        resampled=True,
        end=lambda run: float(run.stationarity[-1]),
    )


def diagnostics_of(family: Family) -> list[Measure]:
    """Numbers measured inside the rounds; a log scale where they span two decades."""
    paths = family.runs[0].paths
    columns = [name for name in paths if name in NAMES or name.startswith(DIAGNOSTIC)]
    found = []
    for column in columns:
        values = [run.paths[column] for run in family.runs]
        known = np.concatenate([x[np.isfinite(x)] for x in values])
        if len(known):
            floor = _smallest(values)
            wide = bool(known.min() >= 0 and known.max() > 100 * floor)
            found.append(Measure(column, named(column), _path(column), wide, floor))
    return found


def named(column: str) -> str:
    """A diagnostic in words."""
    return NAMES.get(column, column.removeprefix(DIAGNOSTIC).replace("_", " "))


def axes_of(family: Family) -> list[str]:
    """The axes every run of the family has a finite path along."""
    return [a for a in AXES if all(np.isfinite(cost(run, a)).all() for run in family.runs)]


def cost(run: Run, axis: str) -> Array:
    """(P,) what the run had cost at each evaluation point; NaN where it was not counted."""
    if axis == "floats":
        return run.paths["floats_up"] + run.paths["floats_down"]
    return run.paths.get(axis, np.full(len(run.score), np.nan))


def along(family: Family, run: Run, measure: Measure, axis: str) -> tuple[Array, Array]:
    """(x, y) on the scale of averaging; a diverged run goes on where its measure says.

    It goes on to what the other runs of its cell cost, or else the runs at its κ.
    """
    x, y = cost(run, axis), measure.of(run)
    if run.diverged and measure.end is not None:
        here = family.at(run.kappa)
        spent, lost = [cost(r, axis)[-1] for r in here], [r.diverged for r in here]
        meant = intended(spent, lost, [r.cell for r in here], [r.kappa for r in here])
        x, y = carried_on(x, y, meant[here.index(run)], measure.end(run))
    known = np.isfinite(y)
    return x[known], measure.forth(y[known])


def _path(column: str) -> Callable[[Run], Array]:
    return lambda run: run.paths[column]


ROUNDING = 1e-24  # of the largest value on an axis; what is smaller is drawn there


def _smallest(values: list[Array]) -> float:
    """Smallest positive value, which stands in for zero on a log axis; no axis is all rounding."""
    positive = [x[x > 0] for x in values if (x > 0).any()]
    if not positive:
        return 1e-300
    largest = max(float(x.max()) for x in positive)
    return max(min(float(x.min()) for x in positive), ROUNDING * largest)
