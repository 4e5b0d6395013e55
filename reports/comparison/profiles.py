"""Profiles: the share of runs above a score, and of problems solved within a multiple of a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics import whole_seeds as ws
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.normalised_scores import Entry, Scaled
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification

EVERYWHERE = "all families"
EVER = 1e300  # a multiple that any finite time is within
Setting = tuple[str, float, int | None]


class Profile(NamedTuple):
    """One curve in one place: shares over a grid that the profiles of a place have in common."""

    place: str  # a family, or all of them
    curve: str
    settings: int
    runs: int
    grid: Array  # (G,)
    share: Array  # (G,)
    low: Array
    high: Array


class Raced(NamedTuple):
    """The hitting times of one curve in one setting, and what they are measured by."""

    curve: str
    family: str
    seeds: tuple[int, ...]  # (n,)
    times: Array  # (n, E), ∞ where the target was not held by the common budget
    reference: Array  # (E,) the best Kaplan–Meier median of the curves there


Entered = TypeVar("Entered", Scaled, Raced)


def places(found: Sequence[Scaled | Raced]) -> list[str]:
    """All families together when there are several, then each."""
    names = list(dict.fromkeys(item.family for item in found))
    return [EVERYWHERE, *names] if len(names) > 1 else names


def within(found: Sequence[Entered], place: str) -> Iterator[tuple[str, list[Entered]]]:
    """(curve, what it did in the settings of a place), for every curve that entered there."""
    here = [item for item in found if place in (EVERYWHERE, item.family)]
    for curve in dict.fromkeys(item.curve for item in here):
        yield curve, [item for item in here if item.curve == curve]


def performance(
    found: Sequence[Scaled], score: str, grid: Array, spec: Specification
) -> list[Profile]:
    """Share of runs with score > τ over τ; `score` is final or area. Seeds are redrawn whole."""
    profiles = []
    for place in places(found):
        for curve, own in within(found, place):
            scores = [np.array(getattr(item, score)) for item in own]
            share = ag.performance_profile(np.concatenate(scores), grid)
            above = [(x[:, None] > grid).astype(float) for x in scores]
            bounds = ws.mean_interval([item.seeds for item in own], above, **spec.bootstrap)
            runs = sum(map(len, scores))
            profiles.append(Profile(place, curve, len(own), runs, grid, share, *bounds))
    return profiles


def score_grid(found: Sequence[Scaled], points: int = 101) -> Array:
    """Thresholds from the random policy, or a little below, to the reference, or a little above."""
    scores = np.concatenate([item.final + item.area for item in found])
    return np.linspace(np.clip(scores.min(), -0.5, 0), np.clip(scores.max(), 1, 1.5), points)


def raced(entries: Sequence[Entry]) -> list[Raced]:
    """Every curve in every setting, over all ε."""
    found = []
    for family, reached in entries:
        settings: dict[Setting, dict[str, list[Reached]]] = {}
        for item in reached:
            setting = (family.name, item.kappa, item.series.agents)
            settings.setdefault(setting, {}).setdefault(item.series.curve, []).append(item)
        for curves in settings.values():
            medians = [[sv.median_time(i.seen, i.budget) for i in own] for own in curves.values()]
            reference = np.min(np.array(medians), axis=0)
            for curve, items in curves.items():
                times = np.stack([_in_time(item) for item in items], axis=1)
                found.append(Raced(curve, family.name, items[0].seeds, times, reference))
    return found


def _in_time(item: Reached) -> Array:
    return np.where(item.seen.hit & (item.seen.time <= item.budget), item.seen.time, np.inf)


def runtime(found: Sequence[Raced], multiples: Array, spec: Specification) -> list[Profile]:
    """Share of (setting, ε, seed) with T ≤ m T_ref over m. Seeds are redrawn whole."""
    profiles = []
    for place in places(found):
        for curve, own in within(found, place):
            # (n, m), the mean over ε of what a seed solved
            solved = [ag.solved(r.times, r.reference, multiples).mean(axis=2).T for r in own]
            bounds = ws.mean_interval([r.seeds for r in own], solved, **spec.bootstrap)
            share, runs = st.mean(np.concatenate(solved)), sum(map(len, solved))
            profiles.append(Profile(place, curve, len(own), runs, multiples, share, *bounds))
    return profiles


def multiples_of(found: Sequence[Raced]) -> Array:
    """From an eighth of the reference to the largest multiple any run needed; none if none hit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.array([r for item in found for r in (item.times / item.reference).flat])
    known = ratios[np.isfinite(ratios) & (ratios > 0)]
    if not len(known):
        return np.array([])
    top = int(np.clip(np.ceil(np.log2(known.max())), 1, 8))
    return np.asarray(2.0 ** (np.arange(-24, 8 * top + 1) / 8))
