"""Sentences about tuning that follow from numbers: a rule each, and what it rests on.

Shares of the best are of normalised performance, 0 the random policy, so that "within 5 %" means
the same in every environment. At every value of a hyperparameter the others take their best.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from reports import formatting as fm
from reports.design import Space, Surface, amount, sign
from reports.marginals import Axis, axis, best_over_rest, kept_share
from reports.owed import Owed
from reports.specification import Sensitivity
from reports.statistics import Array


class Sentence(NamedTuple):
    """One sentence, the rule it follows from, and the number that decided."""

    rule: str
    text: str
    decided: str


def sentences(
    one: Owed, space: Space, importance: Sequence[Mapping[str, Any]], spec: Sensitivity
) -> list[Sentence]:
    """All that the numbers of one algorithm say."""
    surface = one.surface
    found = [tuning_gain(one, space)]
    for name in surface.names:
        along = axis(surface, name, spec)
        if len(along.low) > 1:
            kept = kept_share(surface, along)
            found += [good_range(along, kept, space, spec)] if len(kept) else []
            found += tails(along, kept, space, spec) if len(kept) else []
    for name in surface.names:
        along = axis(surface, name, spec)
        for what in ("kappa", "agents"):
            found += shifts(surface, along, what, space, spec) if len(along.low) > 1 else []
    found += most_important(surface.algorithm, importance)
    if np.isfinite(one.dimensions):
        found.append(dimensions(one, spec))
    return [*found, divergence(one, space)]


def tuning_gain(one: Owed, space: Space) -> Sentence:
    """Φ and its interval: gains, gains nothing that shows, or no interval to tell."""
    names, gain = one.surface.names, one.phi
    setting = space.setting(names, one.setting) or "its only setting"
    decided = f"Φ = {fm.estimated(gain, 2)}"
    where = f"over {_places(one.environments)}"
    if np.isnan(gain.low):
        text = f"Tuning per environment gains {decided} {where}; too few seeds for an interval."
    elif gain.low > 0:
        text = f"Tuning per environment gains {decided} {where}, compared with {setting} for all."
    else:
        text = (
            f"Tuning per environment gains nothing that shows {where}: {decided} holds 0. "
            f"One setting does: {setting}."
        )
    return Sentence("gain of tuning", text, decided)


def good_range(along: Axis, kept: Array, space: Space, spec: Sensitivity) -> Sentence:
    """The longest row of neighbouring values that are within `spec.within` of the best everywhere.

    `kept` (E, L): share of the best that is left at each value.
    """
    good = kept >= 1 - spec.within - 1e-12
    everywhere = np.asarray(good.all(axis=0))
    within, name = f"within {fm.percent(spec.within)} of the best", sign(along.name)
    if not everywhere.any():
        counts = good.sum(axis=0)
        best = int(np.lexsort((-kept.min(axis=0), -counts))[0])
        value = _span(along, best, best, space)
        single = f"None of {len(along.low)} ranges of {name}" if along.binned else f"No {name}"
        text = (
            f"{single} is {within} in all {_places(len(kept))}; {value} is in {counts[best]} of "
            f"{len(kept)}."
        )
        return Sentence("range", text, f"at most {counts[best]} of {len(kept)}")
    first, last = _longest(everywhere)
    worst = float(kept[:, first : last + 1].min())
    decided = f"at least {fm.percent(_floor(worst))} of the best"
    if worst >= 1:
        decided = "the best in each"
    value = _span(along, first, last, space)
    if everywhere.all():
        text = f"{name} hardly matters: {value}, all that was tried, is {within}"
    else:
        text = f"{value} is {within}"
    return Sentence("range", f"{text} in {_all(len(kept))} ({decided}).", decided)


def tails(along: Axis, kept: Array, space: Space, spec: Sensitivity) -> list[Sentence]:
    """Values beyond which every one loses more than `spec.within` in every environment."""
    bad = np.asarray((kept < 1 - spec.within - 1e-12).all(axis=0))
    if bad.all():  # cannot be: the best value is somewhere
        return []
    ok = np.flatnonzero(~bad)
    found = []
    for side, edge, sign_of in (
        (range(int(ok[-1]) + 1, len(bad)), along.high[ok[-1]], ">"),
        (range(int(ok[0])), along.low[ok[0]], "<"),
    ):
        if len(side):
            lost = 1 - kept[:, list(side)]
            least, middle = _floor(float(lost.min())), _round(float(np.median(lost)))
            decided = f"loses {fm.percent(least)} or more"
            beyond = space.told(along.name, float(edge), sign_of)
            text = (
                f"{beyond} costs {fm.percent(least)} of the best or more in {_all(len(kept))} "
                f"(median {fm.percent(middle)})."
            )
            found.append(Sentence("tail", text, decided))
    return found


def shifts(
    surface: Surface, along: Axis, what: str, space: Space, spec: Sensitivity
) -> list[Sentence]:
    """Where the best value goes from the least to the largest κ, or N: one way, in half or more.

    It has moved where each end has another best value and one of the two costs more than
    `spec.within` at the other end.
    """
    best = best_over_rest(surface, along)
    pairs: dict[tuple[Any, ...], list[int]] = {}
    for place, environment in enumerate(surface.environments):
        same = tuple(v for k, v in environment._asdict().items() if k != what)
        pairs.setdefault(same, []).append(place)
    levels = sorted({getattr(environment, what) for environment in surface.environments})
    ways = []
    for places in pairs.values():
        ends = [
            p for p in places if getattr(surface.environments[p], what) in (levels[0], levels[-1])
        ]
        if len(ends) == 2 and best[ends].max(axis=1).min() > 0:
            first, last = sorted(ends, key=lambda p: float(getattr(surface.environments[p], what)))
            a, b = int(np.argmax(best[first])), int(np.argmax(best[last]))
            costs = [1 - best[last, a] / best[last, b], 1 - best[first, b] / best[first, a]]
            ways.append((np.sign(b - a) if max(costs) > spec.within else 0, a, b))
    up, down = (sum(way[0] == sign_of for way in ways) for sign_of in (1, -1))
    moved = max(up, down)
    if not moved or min(up, down) or 2 * moved < len(ways):
        return []
    letter = {"kappa": "κ", "agents": "N"}[what]
    told = [way for way in ways if way[0]]
    start, end = (along.centre[int(np.median([way[i] for way in told]))] for i in (1, 2))
    decided = f"{moved} of {len(ways)}"
    text = (
        f"From {letter} = {levels[0]:g} to {letter} = {levels[-1]:g} the best {sign(along.name)} "
        f"{'rises' if up else 'falls'} in {decided} places, at the median from {amount(start)} to "
        f"{amount(end)}{space.times(along.name)}; it {'falls' if up else 'rises'} in none."
    )
    return [Sentence("shift", text, decided)]


def most_important(algorithm: str, importance: Sequence[Mapping[str, Any]]) -> list[Sentence]:
    """Which hyperparameter has the largest importance in most environments; none where it ties."""
    places: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in importance:
        if row["algorithm"] == algorithm and _known(row["importance"]):
            skipped = ("algorithm", "hyperparameter", "importance", "low", "high")
            where = str(sorted((k, str(v)) for k, v in row.items() if k not in skipped))
            bounds = [float(row[k]) if _known(row[k]) else np.nan for k in ("low", "high")]
            own = places.setdefault(where, {})
            own[str(row["hyperparameter"])] = (float(row["importance"]), bounds[0], bounds[1])
    told = [own for own in places.values() if len(own) > 1]
    wins: dict[str, int] = {}
    clear: dict[str, int] = {}
    for own in told:
        first, second = sorted(own, key=lambda name: (-own[name][0], name))[:2]
        if own[first][0] == own[second][0]:
            continue
        wins[first] = wins.get(first, 0) + 1
        clear[first] = clear.get(first, 0) + bool(own[first][1] > own[second][2])
    top = [name for name in sorted(wins) if wins[name] == max(wins.values())]
    if not top:
        return []
    count, decided = len(told), f"{wins[top[0]]} of {len(told)}"
    if len(top) > 1:
        names = fm.listed([sign(name) for name in top])
        text = f"{names} each matter most in {decided} environments (PED-ANOVA)."
    else:
        where = _all(count) if wins[top[0]] == count else f"{decided} environments"
        more = f"; intervals lie apart in {clear[top[0]]}" if clear[top[0]] else ""
        text = f"{sign(top[0])} matters most in {where} (PED-ANOVA{more})."
    return [Sentence("importance", text, decided)]


def dimensions(one: Owed, spec: Sensitivity) -> Sentence:
    """d of the grid."""
    count, total = int(one.dimensions), len(one.surface.names)
    goal = f"{fm.percent(spec.share)} of what full tuning gives"
    verb = "has" if count == 1 else "have"
    text = f"{count} of {total} hyperparameters {verb} to be tuned per environment for {goal}."
    if count == 0:
        text = f"No hyperparameter has to be tuned per environment for {goal}."
    return Sentence("dimensionality", text, f"d = {count}")


def divergence(one: Owed, space: Space) -> Sentence:
    """How many settings diverge, and what they have in common that others have not."""
    if not one.lost:
        text = f"No run of {one.pairs} pairs of environment and setting diverged."
        return Sentence("divergence", text, "0 diverged")
    share, bounds = one.lost / one.pairs, one.lost_bounds
    decided = f"{one.lost} of {one.pairs}"
    interval = f"[{fm.percent(_round(bounds[0], 3))}, {fm.percent(_round(bounds[1], 3))}]"
    text = (
        f"{fm.percent(_round(share, 3))} of the settings diverge in some run ({decided} pairs "
        f"with an environment, {interval})"
    )
    common = _common(one.surface, space)
    return Sentence("divergence", f"{text}{', all with ' + common if common else ''}.", decided)


def _common(surface: Surface, space: Space) -> str:
    """Bounds that all diverged settings keep and some other setting does not."""
    lost = surface.diverged.any(axis=(0, 2))
    bounds = []
    for name in surface.names:
        values = surface.values(name)
        low, high = values[lost].min(), values[lost].max()
        if low > values.min():
            bounds.append(space.told(name, float(low), "≥" if low < values.max() else "="))
        elif high < values.max():
            bounds.append(space.told(name, float(high), "≤" if high > values.min() else "="))
    return fm.listed(bounds) if bounds else ""


def _span(along: Axis, first: int, last: int, space: Space) -> str:
    low, high = float(along.low[first]), float(along.high[last])
    if low == high:
        return space.told(along.name, low)
    return f"{sign(along.name)} in [{amount(low)}, {amount(high)}]{space.times(along.name)}"


def _longest(good: Any) -> tuple[int, int]:
    """First and last place of the longest row of True; the first of equal ones."""
    best, start = (0, -1), None
    for place, value in enumerate([*good, False]):
        if value and start is None:
            start = place
        if not value and start is not None:
            if place - start > best[1] - best[0] + 1:
                best = (start, place - 1)
            start = None
    return best


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(float(value)))


def _places(count: int) -> str:
    return f"{count} environments" if count != 1 else "one environment"


def _all(count: int) -> str:
    return f"all {count} environments" if count != 1 else "the one environment"


def _round(share: float, digits: int = 2) -> float:
    return float(f"{share:.{digits}g}") if share < 0.1 else round(share, digits)


def _floor(share: float) -> float:
    """What is said to be the least may not be rounded up."""
    return float(np.floor(1000 * share + 1e-9) / 1000)
