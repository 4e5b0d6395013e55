"""Speed-up in the number of agents and exponent in ε, from hitting times that may be censored.

log T = α_e + b log N + ρ log(1/ε) + σ z, z ~ N(0, 1): a log-normal accelerated-failure-time model,
e an environment. T counts steps **per agent**: b = −1 is linear speed-up, b = 0 none. In steps of
all agents together the same fit reads b + 1.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.statistics import censored_normal as cn
from fedrl.reports.statistics import clusters
from fedrl.reports.statistics.estimates import UNKNOWN, Array, Estimate

LINEAR = (-1.1, -0.9)  # b that counts as linear speed-up


class Attempts(NamedTuple):
    """The hitting times of n attempts (a run against a target), as far as budgets show them."""

    time: Array  # (n,) min(T, B), environment steps per agent
    hit: NDArray[np.bool_]  # (n,) T ≤ B
    agents: Array  # (n,) N
    epsilon: Array  # (n,)
    environment: NDArray[Any]  # (n,) name
    seed: NDArray[Any]  # (n,)

    def where(self, keep: NDArray[np.bool_]) -> "Attempts":
        return Attempts._make(values[keep] for values in self)


@dataclass(frozen=True)
class SpeedUp:
    """The fit; NaN where the hits do not identify a number, and `missing` says why."""

    slope: Estimate  # b
    exponent: Estimate  # ρ
    spread: float  # σ, of log T
    verdict: str  # shown, refuted, undecided or not identifiable
    missing: str


def informative(attempts: Attempts) -> Attempts:
    """Without what says nothing of b and ρ, or has no logarithm.

    An environment that no attempt hits has α_e → ∞, where its likelihood is 1 whatever b and ρ.
    A seed whose start already meets ε in one of its runs (T = 0) had nothing to learn there: that
    ε is left out for that seed at every N, so that all N are judged on the same seeds.
    """
    met = attempts.hit & (attempts.time <= 0)
    keys = list(zip(attempts.environment, attempts.epsilon, attempts.seed, strict=True))
    gone = {key for key, start in zip(keys, met, strict=True) if start}
    kept = attempts.where(np.array([key not in gone for key in keys], dtype=bool))
    return kept.where(np.isin(kept.environment, np.unique(kept.environment[kept.hit])))


def _sample(attempts: Attempts, columns: list[Array]) -> cn.Sample:
    """Log times over an intercept per environment and these columns."""
    levels = [attempts.environment == name for name in np.unique(attempts.environment)]
    design = np.stack([*levels, *columns], axis=1).astype(np.float64)
    return cn.Sample(design, np.log(attempts.time), attempts.hit, np.ones(len(attempts.time)))


@dataclass(frozen=True, eq=False)
class _Fitted:
    """The maximum, and intervals over seeds of any of its coefficients at any level."""

    sample: cn.Sample
    seed: NDArray[Any]
    freedom: int | None

    @cached_property
    def fit(self) -> cn.Fit:
        return cn.maximise(self.sample)

    @cached_property
    def scales(self) -> Array | None:
        """`clusters.scale`; None when all hangs on one seed."""
        if all(map(clusters.identified, clusters.without_each(self.sample, self.seed))):
            return clusters.scale(self.sample, self.fit, self.seed)
        return None

    def estimate(self, column: int, level: float) -> Estimate:
        """β̂ with its interval: NaN with one seed, infinite when all hangs on one seed."""
        value = float(self.fit.beta[column])
        if len(np.unique(self.seed)) < 2:
            return Estimate(value, float("nan"), float("nan"))
        if self.scales is None:
            return Estimate(value, -float("inf"), float("inf"))
        low, high = clusters.interval(
            self.sample, self.fit, column, self.seed, level, self.freedom, self.scales
        )
        return Estimate(value, float(low), float(high))


def equivalence(inner: Estimate, outer: Estimate, region: tuple[float, float] = LINEAR) -> str:
    """Two one-sided tests at level α.  Schuirmann 1987.

    shown: the 1 − 2α interval (`inner`) lies in the region; refuted: the 1 − α interval (`outer`)
    lies outside of it; undecided otherwise.
    """
    if region[0] <= inner.low and inner.high <= region[1]:
        return "shown"
    if outer.high < region[0] or outer.low > region[1]:
        return "refuted"
    return "undecided"


def speed_up(attempts: Attempts, level: float = 0.95, freedom: int | None = None) -> SpeedUp:
    """Maximum likelihood with intervals over seeds; what cannot be identified is said, not raised.

    b needs hits at two N, ρ hits at two ε. Never hit means: as far as the budget, and no further.
    """
    known = informative(attempts)
    if not known.hit.any():
        return SpeedUp(UNKNOWN, UNKNOWN, float("nan"), "not identifiable", "no attempt hit")
    columns: dict[str, Array] = {}
    missing, kept = [], np.ones(len(known.time), dtype=bool)
    for name, levels, sign in (("N", known.agents, 1), ("ε", known.epsilon, -1)):
        if len(np.unique(levels[known.hit])) > 1:
            columns[name] = sign * np.log(levels)
        else:  # levels without hits beside a single one with hits would take b or ρ to infinity
            missing.append(f"hits at one {name} only")
            kept &= levels == levels[known.hit][0]
    sample = _sample(known.where(kept), [column[kept] for column in columns.values()])
    if not clusters.identified(sample):
        why = _unidentified(sample)
        return SpeedUp(UNKNOWN, UNKNOWN, float("nan"), "not identifiable", why)
    first = sample.design.shape[1] - len(columns)
    place = {name: first + i for i, name in enumerate(columns)}
    fitted = _Fitted(sample, known.seed[kept], freedom)

    def found(name: str, level: float) -> Estimate:
        return fitted.estimate(place[name], level) if name in place else UNKNOWN

    slope, spread = found("N", level), float(fitted.fit.sigma)
    verdict = "not identifiable"
    if "N" in columns:
        verdict = equivalence(found("N", 2 * level - 1), slope)
    return SpeedUp(slope, found("ε", level), spread, verdict, "; ".join(missing))


def _unidentified(sample: cn.Sample) -> str:
    rows = sample.design[sample.hit]
    if len(rows) <= rows.shape[1]:
        return f"{len(rows)} hits are too few for {rows.shape[1]} coefficients"
    if np.linalg.matrix_rank(rows) < rows.shape[1]:
        return "the hits do not tell N, ε and environments apart"
    return "no variation: every hit lies on the fitted line"


def efficiencies(
    attempts: Attempts, level: float = 0.95, freedom: int | None = None
) -> dict[int, Estimate]:
    """E(N) = N₁ T(N₁) / (N T(N)), N₁ the smallest N: 1 is linear speed-up, N₁/N none.

    The T are of the same model with a level for every N in place of b log N, so no power law is
    assumed. NaN for an N without hits, and for all when N₁ has none.
    """
    known = informative(attempts)
    levels = sorted({int(n) for n in attempts.agents})
    found = dict.fromkeys(levels, UNKNOWN)
    if not len(known.time):
        return found
    hit = [n for n in levels if known.hit[known.agents == n].any()]
    found[levels[0]] = Estimate(1.0, 1.0, 1.0) if levels[0] in hit else UNKNOWN
    if levels[0] not in hit or len(hit) < 2:
        return found
    known = known.where(np.isin(known.agents, hit))
    several = len(np.unique(known.epsilon[known.hit])) > 1
    if not several:
        known = known.where(known.epsilon == known.epsilon[known.hit][0])
    columns = [known.agents == n for n in hit[1:]] + [-np.log(known.epsilon)] * several
    sample = _sample(known, columns)
    if not clusters.identified(sample):
        return found
    fitted = _Fitted(sample, known.seed, freedom)
    first = len(np.unique(known.environment))
    for place, n in enumerate(hit[1:]):
        value, low, high = fitted.estimate(first + place, level)
        with np.errstate(over="ignore"):
            parts = np.exp(-np.array([value, high, low])) * levels[0] / n
        # an end of an interval that is beyond all measure is none
        parts = np.where(parts < 1e-30, 0.0, np.where(parts > 1e30, np.inf, parts))
        found[n] = Estimate(*(float(part) for part in parts))
    return found
