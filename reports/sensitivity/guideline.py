"""Sentences about tuning that follow from numbers: a rule each, and what it rests on."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from fedrl.reports.sensitivity.guideline_ranges import good_range, shifts, tails
from fedrl.reports.sensitivity.guideline_words import Sentence, everywhere, places, rounded
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Environment, Importance, Space, Surface, sign
from fedrl.reports.table.surfaces.marginals import axis, kept_share
from fedrl.reports.table.surfaces.tuning_sensitivity import TuningSensitivity


def sentences(
    one: TuningSensitivity, space: Space, importance: Sequence[Importance], spec: Sensitivity
) -> list[Sentence]:
    """All that the numbers of one algorithm say."""
    surface = one.surface
    found = [tuning_gain(one, space)]
    axes = [axis(surface, name, spec) for name in surface.names]
    varied = [along for along in axes if len(along.low) > 1]
    for along in varied:
        kept = kept_share(surface, along)
        if len(kept):
            found += [good_range(along, kept, space, spec), *tails(along, kept, space, spec)]
    for along, what in product(varied, ("kappa", "agents")):
        found += shifts(surface, along, what, space, spec)
    found += most_important(surface.algorithm, importance)
    if np.isfinite(one.dimensions):
        found.append(dimensions(one, spec))
    return [*found, divergence(one, space)]


def tuning_gain(one: TuningSensitivity, space: Space) -> Sentence:
    """Φ and its interval: gains, gains nothing that shows, or no interval to tell."""
    names, gain = one.surface.names, one.phi
    setting = space.setting(names, one.setting) or "its only setting"
    decided = f"Φ = {fm.estimated(gain, 2)}"
    where = f"over {places(one.environments)}"
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


def most_important(algorithm: str, importance: Sequence[Importance]) -> list[Sentence]:
    """Which hyperparameter has the largest importance in most environments; none where it ties."""
    shares: dict[Environment, dict[str, Estimate]] = {}
    for one in importance:
        if one.algorithm == algorithm:
            shares.setdefault(one.place, {})[one.hyperparameter] = one.share
    told = [own for own in shares.values() if len(own) > 1]
    wins: dict[str, int] = {}
    clear: dict[str, int] = {}
    for own in told:
        first, second = sorted(own, key=lambda name: (-own[name].value, name))[:2]
        if own[first].value == own[second].value:
            continue
        wins[first] = wins.get(first, 0) + 1
        clear[first] = clear.get(first, 0) + bool(own[first].low > own[second].high)
    top = [name for name in sorted(wins) if wins[name] == max(wins.values())]
    if not top:
        return []
    count, decided = len(told), f"{wins[top[0]]} of {len(told)}"
    if len(top) > 1:
        names = fm.listed([sign(name) for name in top])
        text = f"{names} each matter most in {decided} environments (PED-ANOVA)."
    else:
        where = everywhere(count) if wins[top[0]] == count else f"{decided} environments"
        more = f"; intervals lie apart in {clear[top[0]]}" if clear[top[0]] else ""
        text = f"{sign(top[0])} matters most in {where} (PED-ANOVA{more})."
    return [Sentence("importance", text, decided)]


def dimensions(one: TuningSensitivity, spec: Sensitivity) -> Sentence:
    """d of the grid."""
    count, total = int(one.dimensions), len(one.surface.names)
    goal = f"{fm.percent(spec.share)} of what full tuning gives"
    verb = "has" if count == 1 else "have"
    text = f"{count} of {total} hyperparameters {verb} to be tuned per environment for {goal}."
    if count == 0:
        text = f"No hyperparameter has to be tuned per environment for {goal}."
    return Sentence("dimensionality", text, f"d = {count}")


def divergence(one: TuningSensitivity, space: Space) -> Sentence:
    """How many settings diverge, and what they have in common that others have not."""
    if not one.lost:
        text = f"No run of {one.pairs} pairs of environment and setting diverged."
        return Sentence("divergence", text, "0 diverged")
    share, bounds = one.lost / one.pairs, one.lost_bounds
    decided = f"{one.lost} of {one.pairs}"
    interval = f"[{fm.percent(rounded(bounds[0], 3))}, {fm.percent(rounded(bounds[1], 3))}]"
    text = (
        f"{fm.percent(rounded(share, 3))} of the settings diverge in some run ({decided} pairs "
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
