"""Differences within seeds between runs as they are: each method at the values the study gives."""

from typing import Any

import numpy as np

from fedrl.benchmark.claims.estimands import fairness
from fedrl.benchmark.claims.estimands.intervals import over_seeds
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.verdict import Measured
from fedrl.benchmark.config.registry import algorithms
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table.normalised_scores import area, final
from fedrl.reports.table.runs import Family

ASSUMES = (
    "seeds are independent draws; a seed counts once, with the mean over its settings",
    "scores are shares of reference − random",
)


def area_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Area of the learning curve, algorithm minus rival, over all κ and N of a family.

    To be behind a rival that the algorithm contains, that it is at some value of its own
    hyperparameters, tells of the search for these values, not of the algorithm.
    """
    name, rival = str(options["algorithm"]), str(options["against"])
    family = evidence.family(str(options["family"]))
    found = _between(family, name, rival, level)
    lost: tuple[str, ...] = ()
    if name in algorithms() and rival in algorithms()[name].contains and found[0].high < 0:
        lost = (
            f"{name} is {rival} at one of its values, so being behind it tells of the search for "
            "values",
        )
    against = fairness.untuned(evidence, rival), (*fairness.untuned(evidence, name), *lost)
    return Measured(found[0], found[1], *against, unscaled(family), ASSUMES)


def gap_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Share of reference − random that the last policy misses, at κ minus at `from_kappa`."""
    name, family = str(options["algorithm"]), evidence.family(str(options["family"]))
    sides = [_missed(family, name, float(options[key])) for key in ("kappa", "from_kappa")]
    shared = sorted(sides[0].keys() & sides[1].keys())
    if not shared:
        raise NothingToMeasureError(f"no runs of {name} on {family.name} at both κ")
    differences = [sides[0][seed] - sides[1][seed] for seed in shared]
    found = over_seeds(differences, level)
    return Measured(found, len(shared), (), (), unscaled(family), ASSUMES)


def _between(family: Family, name: str, rival: str, level: float) -> tuple[Estimate, int]:
    """Mean over settings of the difference of areas, seed by seed; seeds both have everywhere."""
    pairs: dict[int, list[float]] = {}
    settings = 0
    for kappa, agents in family.panels:
        here = family.among(kappa, agents)
        ours, theirs = (
            {run.seed: area(family, run) for run in here if run.series.algorithm == one}
            for one in (name, rival)
        )
        settings += bool(ours and theirs)
        for seed in ours.keys() & theirs.keys():
            pairs.setdefault(seed, []).append(ours[seed] - theirs[seed])
    whole = [np.mean(own) for _, own in sorted(pairs.items()) if len(own) == settings]
    if not whole:
        raise NothingToMeasureError(f"{name} and {rival} share no seed on {family.name}")
    return over_seeds(whole, level), len(whole)


def _missed(family: Family, name: str, kappa: float) -> dict[int, float]:
    """Seed → share of reference − random that the last policies miss at κ."""
    found: dict[int, list[float]] = {}
    for run in family.at(kappa):
        if run.series.algorithm == name:
            found.setdefault(run.seed, []).append(1 - final(run))
    return {seed: float(np.mean(values)) for seed, values in found.items()}


def unscaled(family: Family) -> str:
    """Scores without a reference from outside the study are not compared."""
    if all(family.has_scale(kappa) for kappa in family.kappas):
        return ""
    return f"{family.name} has no reference from outside the runs that are compared"
