"""The rule that makes a verdict of measurements: shown, refuted, or undecided and why.

A part is shown where its interval lies in the claim's region, refuted where it lies outside of it,
and nothing else decides: neither a value nor a single p. Intervals are simultaneous over the parts
of a claim (Bonferroni), so that a claim gets a wrong verdict with probability α or less. What was
not fair to one side withholds the verdict that this side would lose by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fedrl.benchmark.claims.claim import Claim
from fedrl.reports.statistics import hypotheses
from fedrl.reports.statistics.estimates import Estimate

SHOWN, REFUTED, UNDECIDED = "shown", "refuted", "undecided"


@dataclass(frozen=True)
class Measured:
    """The number of one part, and what keeps it from deciding."""

    found: Estimate  # at the level of the claim
    seeds: int
    against_showing: tuple[str, ...] = ()  # the other side was not treated fairly
    against_refuting: tuple[str, ...] = ()  # the claim's own side was not treated fairly
    missing: str = ""  # why there is no number
    assumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """One part with its verdict."""

    name: str
    measured: Measured
    verdict: str
    reason: str = ""  # why it is undecided
    open: bool = False  # more seeds could decide it


@dataclass(frozen=True)
class Verdict:
    """A claim, its parts, and what follows from them."""

    claim: Claim
    verdict: str
    parts: list[Judged]
    reasons: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether more seeds could decide it."""
        return self.verdict == UNDECIDED and any(part.open for part in self.parts)

    @property
    def assumes(self) -> list[str]:
        """What all parts take for granted, once each."""
        return list(dict.fromkeys(a for part in self.parts for a in part.measured.assumes))


def judged(claim: Claim, name: str, measured: Measured) -> Judged:
    """Compare one interval with the region of the claim."""
    low, high = claim.region
    found = measured.found
    if measured.missing:
        return Judged(name, measured, UNDECIDED, measured.missing)
    if measured.seeds < hypotheses.FEWEST:
        few = f"{measured.seeds} seeds are fewer than {hypotheses.FEWEST}"
        return Judged(name, measured, UNDECIDED, few, open=True)
    if not (np.isfinite(found.value) and found.low <= found.high):
        return Judged(name, measured, UNDECIDED, "no interval can be given")
    if low <= found.low and found.high <= high:
        return _unless(name, measured, SHOWN, measured.against_showing)
    if found.high < low or found.low > high:
        return _unless(name, measured, REFUTED, measured.against_refuting)
    across = "the interval reaches across the region's border"
    return Judged(name, measured, UNDECIDED, across, open=True)


def _unless(name: str, measured: Measured, verdict: str, against: Sequence[str]) -> Judged:
    if not against:
        return Judged(name, measured, verdict)
    would = f"it would be {verdict}, but {'; '.join(against)}"
    return Judged(name, measured, UNDECIDED, would)


def concluded(claim: Claim, parts: Sequence[Judged]) -> Verdict:
    """Shown by all parts and refuted by one, or the other way round, as the claim's rule says."""
    verdicts = [part.verdict for part in parts]
    decisive, unanimous = (REFUTED, SHOWN) if claim.rule == "all" else (SHOWN, REFUTED)
    verdict = UNDECIDED
    if decisive in verdicts:
        verdict = decisive
    elif all(one == unanimous for one in verdicts):
        verdict = unanimous
    reasons: dict[str, list[str]] = {}
    for part in parts:
        if part.reason:
            reasons.setdefault(part.reason, []).append(part.name)
    told = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    if len(reasons) == 1 and len(parts) == len(next(iter(reasons.values()))):
        told = list(reasons)
    return Verdict(claim, verdict, list(parts), told)
