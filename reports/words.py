"""Sentences that follow from the numbers, and do not go beyond them."""

from collections.abc import Sequence

import numpy as np

from reports import formatting as fm
from reports.complexity import Reached
from reports.runs import Family
from reports.scores import of_seeds
from reports.specification import Specification


def told_epsilon(reached: Sequence[Reached]) -> float | None:
    """The hardest ε that some series hits in at least half of its runs, at every κ; or at some κ."""
    by_kappa = [
        {i.epsilon for i in reached if i.kappa == kappa and 2 * i.seen.hits >= i.runs}
        for kappa in sorted({item.kappa for item in reached})
    ]
    everywhere = set.intersection(*by_kappa) if by_kappa else set()
    return min(everywhere or set().union(*by_kappa), default=None)


def sentences(family: Family, reached: Sequence[Reached], spec: Specification) -> list[str]:
    """Who needed fewest steps at each κ, then who scored best in the end."""
    epsilon = told_epsilon(reached)
    return [_speed(family, reached, kappa, epsilon) for kappa in family.kappas] + [
        _final(family, kappa, spec) for kappa in family.kappas
    ]


def _speed(
    family: Family, reached: Sequence[Reached], kappa: float, epsilon: float | None
) -> str:
    here = [item for item in reached if item.kappa == kappa]
    at = f"At {fm.level(kappa)},"
    if not here:
        return f"{at} the reference is not above the random policy, so no target is defined."
    easiest = max(item.epsilon for item in here)
    told = [item for item in here if item.epsilon == (easiest if epsilon is None else epsilon)]
    share = fm.percent(round(1 - told[0].epsilon, 6))
    goal = f"{share} of the way from the random policy to the reference"
    ranked = sorted(told, key=lambda item: (item.mean.value, item.series))
    first, hits = ranked[0], sum(item.seen.hits for item in told)
    runs = sum(item.runs for item in told)
    if not hits:
        return f"{at} none of {runs} runs reached {goal}."
    opening = f"{at} {hits} of {runs} runs reached {goal}."
    if len(ranked) == 1:
        return f"{opening} {first.series.label} needed {_cost(first)}."
    ties = [item for item in ranked[1:] if _overlap(first, item)]
    said = f"{opening} {first.series.label} needed fewest steps per agent, {_cost(first)}"
    second = ranked[1]
    if not second.seen.hits:
        return f"{said}; nothing else reached it."
    if first.runs < 2:
        return f"{said}, before {second.series.label}, {_cost(second)}; with one seed this is one draw."
    if not ties:
        return f"{said}, before {second.series.label}, {_cost(second)}; the intervals do not overlap."
    names = fm.listed([item.series.label for item in ties[:3]])
    more = f" and {len(ties) - 3} more" if len(ties) > 3 else ""
    return f"{said}, but its interval overlaps that of {names}{more}: the order is not settled."


def _cost(item: Reached) -> str:
    """Restricted mean with interval and the censored runs."""
    interval = fm.brackets(item.mean.low, item.mean.high)
    mean = f"{fm.number(item.mean.value)} {interval}".strip()
    return f"{mean} within a budget of {fm.number(item.budget)} ({item.censored} of {item.runs} censored)"


def _overlap(first: Reached, other: Reached) -> bool:
    """True unless the interval of the other lies above that of the first."""
    return not other.mean.low > first.mean.high


def _final(family: Family, kappa: float, spec: Specification) -> str:
    groups = [(series, runs) for at, series, runs in family.groups() if at == kappa]
    found = [(of_seeds([run.final for run in runs], spec), series) for series, runs in groups]
    found.sort(key=lambda pair: (-pair[0].value, pair[1]))
    best, series = found[0]
    lost = sum(run.diverged for run in family.at(kappa))
    end = f" {lost} {'run' if lost == 1 else 'runs'} diverged." if lost else ""
    said = f"Highest final score at {fm.level(kappa)}: {series.label}, {fm.estimated(best)}"
    if len(found) == 1:
        return f"{said}.{end}"
    if np.isnan(best.low):
        return f"{said}, one seed.{end}"
    ties = [other.label for e, other in found[1:] if not e.high < best.low]
    if not ties:
        return f"{said}, above every other interval.{end}"
    many = f"{fm.listed(ties[:3])}{f' and {len(ties) - 3} more' if len(ties) > 3 else ''}"
    return f"{said}; its interval overlaps that of {many}.{end}"
