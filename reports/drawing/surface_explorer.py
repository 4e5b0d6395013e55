"""Response surfaces as data: the page draws any two hyperparameters of any algorithm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedrl.reports.drawing.array_encoding import plain
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Space, Surface, amount, in_order, sign
from fedrl.reports.table.surfaces.marginals import axis

SHOWN = {"best": "best over the others", "mean": "mean over the others", "lost": "diverged runs"}
Choice = tuple[str, str]  # what stands in the address, what is read


@dataclass(frozen=True)
class SurfaceExplorer:
    """One family's surfaces, ready for the page."""

    slug: str
    title: str
    choices: dict[str, list[Choice]]
    data: str  # JSON that can stand inside a <script> element


def surface_explorer(
    surfaces: Sequence[Surface],
    slug: str,
    family: str,
    space: Space,
    spec: Sensitivity,
    anchor: str,
) -> SurfaceExplorer | None:
    """Draw the algorithms with two hyperparameters or more; `anchor`: the section it stands in."""
    own = [s for s in surfaces if len(s.names) > 1]
    if not own:
        return None
    places = in_order([own[0].environments[i] for i in own[0].of(family)])
    names = list(dict.fromkeys(name for s in own for name in s.names))
    told: dict[str, dict[str, Any]] = {}
    for surface in own:
        order = [surface.environments.index(place) for place in places]
        lost = surface.diverged[order].mean(axis=2)
        told[surface.algorithm] = {
            "at": {n: axis(surface, n, spec).place.tolist() for n in surface.names},
            "fields": {n: _fields(surface, n, spec) for n in surface.names},
            "settings": [space.setting(surface.names, row) for row in surface.settings],
            "value": [[_short(v) for v in row] for row in surface.means[order]],
            "lost": [[_short(v) for v in row] for row in lost],
        }
    values = np.concatenate([s.means[s.of(family)].ravel() for s in own])
    choices = {
        "of": list(SHOWN.items()),
        "algorithm": [(s.algorithm, s.printed) for s in own],
        "at": [(str(i), place.place) for i, place in enumerate(places)],
        "x": [(n, sign(n)) for n in names],
        "y": [(n, sign(n)) for n in reversed(names)],
    }
    value = {
        "anchor": anchor,
        "choices": {name: [key for key, _ in every] for name, every in choices.items()},
        "axes": {n: {"label": space.axis(n)} for n in names},
        "surfaces": told,
        "ends": (_short(values.min()), _short(values.max())),
    }
    return SurfaceExplorer(slug, family, choices, plain(value))


def _fields(surface: Surface, name: str, spec: Sensitivity) -> list[str]:
    """Name every value or bin."""
    along = axis(surface, name, spec)
    return [
        amount(low) if low == high else f"{amount(low)}–{amount(high)}"
        for low, high in zip(along.low, along.high, strict=True)
    ]


def _short(value: Any) -> float:
    return round(float(value), 3)
