"""Which values of a hyperparameter are good, which are not, and where the best one moves.

Shares of the best are of normalised performance, 0 the random policy, so that "within 5 %" means
the same in every environment. At every value of a hyperparameter the others take their best.
"""

from typing import Any

import numpy as np

from fedrl.reports.sensitivity.guideline_words import Sentence, everywhere, floored, places, rounded
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Space, Surface, amount, sign
from fedrl.reports.table.surfaces.marginals import Axis, best_over_rest


def good_range(along: Axis, kept: Array, space: Space, spec: Sensitivity) -> Sentence:
    """The longest row of neighbouring values that are within `spec.within` of the best everywhere.

    `kept` (E, L): share of the best that is left at each value.
    """
    good = kept >= 1 - spec.within - 1e-12
    good_all = np.asarray(good.all(axis=0))
    within, name = f"within {fm.percent(spec.within)} of the best", sign(along.name)
    if not good_all.any():
        counts = good.sum(axis=0)
        best = int(np.lexsort((-kept.min(axis=0), -counts))[0])
        value = _span(along, best, best, space)
        single = f"None of {len(along.low)} ranges of {name}" if along.binned else f"No {name}"
        text = (
            f"{single} is {within} in all {places(len(kept))}; {value} is in {counts[best]} of "
            f"{len(kept)}."
        )
        return Sentence("range", text, f"at most {counts[best]} of {len(kept)}")
    held = np.flatnonzero(good_all)
    longest = max(np.split(held, np.flatnonzero(np.diff(held) > 1) + 1), key=len)  # first of equals
    first, last = int(longest[0]), int(longest[-1])
    worst = float(kept[:, first : last + 1].min())
    decided = f"at least {fm.percent(floored(worst))} of the best"
    if worst >= 1:
        decided = "the best in each"
    value = _span(along, first, last, space)
    if good_all.all():
        text = f"{name} hardly matters: {value}, all that was tried, is {within}"
    else:
        text = f"{value} is {within}"
    return Sentence("range", f"{text} in {everywhere(len(kept))} ({decided}).", decided)


def tails(along: Axis, kept: Array, space: Space, spec: Sensitivity) -> list[Sentence]:
    """Values beyond which every one loses more than `spec.within` in every environment."""
    bad = np.asarray((kept < 1 - spec.within - 1e-12).all(axis=0))
    ok = np.flatnonzero(~bad)  # at least where the best value is
    found = []
    for side, edge, sign_of in (
        (range(int(ok[-1]) + 1, len(bad)), along.high[ok[-1]], ">"),
        (range(int(ok[0])), along.low[ok[0]], "<"),
    ):
        if len(side):
            lost = 1 - kept[:, list(side)]
            least, middle = floored(float(lost.min())), rounded(float(np.median(lost)))
            decided = f"loses {fm.percent(least)} or more"
            beyond = space.told(along.name, float(edge), sign_of)
            text = (
                f"{beyond} costs {fm.percent(least)} of the best or more in "
                f"{everywhere(len(kept))} (median {fm.percent(middle)})."
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
    for group in pairs.values():
        ends = [
            p for p in group if getattr(surface.environments[p], what) in (levels[0], levels[-1])
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


def _span(along: Axis, first: int, last: int, space: Space) -> str:
    low, high = float(along.low[first]), float(along.high[last])
    if low == high:
        return space.told(along.name, low)
    return f"{sign(along.name)} in [{amount(low)}, {amount(high)}]{space.times(along.name)}"
