"""Every setting of an algorithm against every N and ε, and the exponents under chosen ones."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from fedrl.reports.statistics import accelerated_failure as sp
from fedrl.reports.statistics import cross_fitting
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array, Estimate
from fedrl.reports.table import sample_complexity, theory
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification

ADAPTS = {  # what is tuned, and the axes of (N, ε, seed, setting) along which the choice is shared
    "nothing": (-4, -3),
    "N": (-3,),
    "N and ε": (),
}
# what has to be reached: a small gradient, the same by a policy that is good, a good policy
GRADIENT, GOOD, SCORE = "‖∇J‖²", "‖∇J‖², score", "score"
WITHIN = 0.25  # of reference − random: how far below the reference a good policy may be
FEWEST = 4  # seeds: two in each half


@dataclass(frozen=True, eq=False)
class Grid:
    """All settings of one algorithm at one κ against one kind of target."""

    kappa: float
    algorithm: str
    name: str  # of the algorithm in print
    criterion: str
    settings: tuple[str, ...]  # M names, "eta=0.1"
    agents: tuple[int, ...]
    epsilons: tuple[float, ...]
    seeds: tuple[int, ...]
    time: Array  # (N, E, G, M) min(T, B)
    hit: Array  # (N, E, G, M) bool
    final: Array  # (N, E, G, M), share of reference − random that the last policy reaches
    exponent: float  # ρ of theory, NaN where it has none


@dataclass(frozen=True, eq=False)
class Tuned:
    """A grid under one way of choosing."""

    grid: Grid
    adapts: str  # to what the setting is fitted
    place: cross_fitting.Places  # (N, E, G)
    attempts: sp.Attempts
    fit: sp.SpeedUp
    efficiency: dict[int, Estimate]

    @property
    def final(self) -> float:
        """Median over N, ε and seeds of the final score under the chosen settings."""
        return float(np.median(cross_fitting.at(self.grid.final, self.place)))

    @property
    def edge(self) -> float:
        """Share of choices of the smallest or the largest step size that was tried."""
        return float(np.mean(np.array(at_an_end(self.grid.settings))[self.place]))


def grids(
    family: Family, spec: Specification, criteria: Sequence[str] = (GRADIENT, GOOD, SCORE)
) -> list[Grid]:
    """Every κ × algorithm × criterion with two settings or more that have all N, and seeds."""
    kinds: dict[str, list[Reached]] = {}
    if SCORE in criteria:
        kinds[SCORE] = sample_complexity.score_targets(family, spec)
    for criterion, within in ((GRADIENT, None), (GOOD, WITHIN)):
        if criterion in criteria and family.has_stationarity:
            ladder = sv.half_decades_below
            kinds[criterion] = sample_complexity.stationarity_targets(family, spec, ladder, within)
    algorithms = dict.fromkeys(series.algorithm for series in family.series)
    made = []
    for kappa, algorithm, criterion in product(family.kappas, algorithms, criteria):
        known = kinds.get(criterion, [])
        own = [i for i in known if (i.kappa, i.series.algorithm) == (kappa, algorithm)]
        made.append(_grid(family, criterion, own))
    return [grid for grid in made if grid is not None]


def shortest(settings: Sequence[str]) -> tuple[str, ...]:
    """ "lambda=0.5, eta=0.1" becomes "eta=0.1" where that still tells the settings apart."""
    parts = [setting.split(", ") for setting in settings]
    while parts and min(map(len, parts)) > 1:
        rest = [part[1:] for part in parts]
        if len({tuple(part) for part in rest}) < len(parts):
            break
        parts = rest
    return tuple(", ".join(part) for part in parts)


def at_an_end(settings: Sequence[str]) -> list[bool]:
    """Whether a setting has the smallest or largest η or, of a schedule, L; else is first or last.

    >>> at_an_end(["beta=0.2, eta=0.1", "beta=0.2, eta=1", "beta=0.8, eta=0.1", "beta=0.8, eta=3"])
    [True, False, True, True]
    """
    found = [re.search(r"(?:^|, )(?:eta|L)=([^,]+)", setting) for setting in settings]
    sizes = [float(one[1]) for one in found if one]
    if len(sizes) < len(settings):
        sizes = [float(at) for at in range(len(settings))]
    return [size in (min(sizes), max(sizes)) for size in sizes]


def _grid(family: Family, criterion: str, reached: Sequence[Reached]) -> Grid | None:
    table = {
        (item.series.agents, item.epsilon, item.series.variant): item
        for item in reached
        if item.series.agents is not None
    }
    agents = sorted({n for n, _, _ in table})
    epsilons = list(dict.fromkeys(epsilon for _, epsilon, _ in table))
    variants = dict.fromkeys(variant for _, _, variant in table)
    settings = [v for v in variants if all((n, epsilons[0], v) in table for n in agents)]
    cells = [[[table[n, e, v] for v in settings] for e in epsilons] for n in agents]
    seeds = sorted(set.intersection(*(set(item.seeds) for item in reached))) if reached else []
    if len(settings) < 2 or len(agents) < 2 or len(seeds) < FEWEST:
        return None

    def ordered(item: Reached, values: Any) -> Any:
        return values[[item.seeds.index(seed) for seed in seeds]]

    def final(item: Reached) -> Array:
        runs = {run.seed: run for run in family.at(item.kappa, item.series)}
        return np.array([_share(runs[seed]) for seed in item.seeds])

    def told(values: Callable[[Reached], Any]) -> Any:
        """(N, E, G, M)"""
        every = [[[ordered(i, values(i)) for i in row] for row in rows] for rows in cells]
        return np.moveaxis(np.array(every), -1, -2)

    first = reached[0].series
    return Grid(
        reached[0].kappa,
        first.algorithm,
        first.name,
        criterion,
        shortest(settings),
        tuple(agents),
        tuple(epsilons),
        tuple(seeds),
        told(lambda item: item.seen.time),
        told(lambda item: item.seen.hit),
        told(final),
        theory.exponent(next(run for run in family.runs if run.series == first)),
    )


def _share(run: Run) -> float:
    """Share of the way from random to the reference, or to the best in the study without one."""
    return (run.final - run.random) / (run.reference - run.random)


def fitted(family: Family, grid: Grid, adapts: str, spec: Specification) -> Tuned:
    """The exponents under one way of choosing; G/2 degrees of freedom, as halves choose for halves.

    Choices of either half lean on the other, so that the spread over all G seeds is a little less
    than that of repeated experiments; with G/2 instead of G − 1 intervals cover what they say.
    """
    place = cross_fitting.chosen(grid.time, ADAPTS[adapts])
    n, epsilon, seed = np.meshgrid(grid.agents, grid.epsilons, grid.seeds, indexing="ij")
    attempts = sp.Attempts(
        cross_fitting.at(grid.time, place).ravel(),
        cross_fitting.at(grid.hit, place).ravel(),
        n.ravel().astype(np.float64),
        epsilon.ravel(),
        np.full(n.size, family.name),
        seed.ravel(),
    )
    freedom = len(grid.seeds) // 2
    fit = sp.speed_up(attempts, spec.level, freedom)
    efficiency = sp.efficiencies(attempts, spec.level, freedom)
    return Tuned(grid, adapts, place, attempts, fit, efficiency)
