"""The performance-sensitivity plane and its five regions.  Adkins, Bowling & White 2024.

ΔP and ΔΦ are differences to a reference algorithm: of Γ with the best setting per environment,
and of Φ. Tuned performance less Φ is Γ with one setting for all, so ΔP > ΔΦ says that the
algorithm is better than the reference also without tuning per environment.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports import figures as fig
from reports import formatting as fm
from reports.owed import Owed
from reports.specification import Sensitivity

REGIONS = {
    0: "the same as the reference",
    1: "better and less sensitive",
    2: "better by more than it is more sensitive",
    3: "worse by less than it is less sensitive",
    4: "its performance and its sensitivity do not pay for each other",
    5: "worse and more sensitive",
}
SHADES = {1: "#009E73", 2: "#56B4E9", 3: "#F0E442", 4: "#E69F00", 5: "#D55E00"}
SHORT = {
    1: "1 better,\nless sensitive",
    2: "2 better, gain above\nsensitivity",
    3: "3 less sensitive,\nloss below that",
    4: "4 does not pay",
    5: "5 worse,\nmore sensitive",
}


def region(performance: float, sensitivity: float) -> int:
    """Of differences ΔP, ΔΦ to the reference; a tie goes to the better side, both ties are 0."""
    if performance == 0 and sensitivity == 0:
        return 0
    if performance >= 0 and sensitivity <= 0:
        return 1
    if performance <= 0 and sensitivity >= 0:
        return 5
    if performance <= sensitivity:
        return 4
    return 2 if performance > 0 else 3


def reference(found: Sequence[Owed], spec: Sensitivity) -> Owed:
    """FedPG where it was run, else the first algorithm by name."""
    own = [one for one in found if one.surface.algorithm == spec.baseline]
    return (own or sorted(found, key=lambda one: one.surface.algorithm))[0]


def place(one: Owed, base: Owed) -> int:
    """The region of an algorithm, from the point estimates."""
    return region(one.tuned.value - base.tuned.value, one.phi.value - base.phi.value)


def is_settled(one: Owed, base: Owed) -> bool:
    """Whether both intervals lie apart from those of the reference."""
    return all(
        a.low > b.high or a.high < b.low for a, b in ((one.tuned, base.tuned), (one.phi, base.phi))
    )


def plane(found: Sequence[Owed], looks: Any, spec: Sensitivity) -> fig.Drawn:
    """Every algorithm with intervals, the regions around the reference shaded."""
    base = reference(found, spec)
    x, y = _span([one.phi for one in found]), _span([one.tuned for one in found])
    with fig.styled():
        figure, axes = fig.panels(1, 1, 6.4, 4.2)
        axis = axes[0, 0]
        _regions(axis, base, x, y)
        handles = []
        for one in found:
            style = looks[one.surface.algorithm]
            axis.errorbar(
                one.phi.value,
                one.tuned.value,
                xerr=_arms(one.phi),
                yerr=_arms(one.tuned),
                color=style["color"],
                marker=style["marker"],
                markersize=7,
                capsize=2,
                elinewidth=1.1,
                markeredgecolor="white",
                markeredgewidth=0.6,
                zorder=3,
            )
            shown = {"color": style["color"], "marker": style["marker"], "linestyle": "none"}
            name = one.surface.algorithm + (" (reference)" if one is base else "")
            handles.append(fig.key(name, **shown, markersize=6))
        axis.set_xlim(*x)
        axis.set_ylim(*y)
        axis.grid(visible=False)
        axis.set_xlabel("sensitivity Φ: gain of tuning per environment")
        axis.set_ylabel("Γ with the best setting per environment")
        fig.legend(figure, handles)
        return fig.saved(
            figure,
            "performance-sensitivity",
            "Performance and sensitivity",
            f"Mean over {base.environments} environments, settings chosen on one half of the seeds "
            f"and scored on the other, with {fm.percent(spec.level)} bootstrap intervals over "
            f"seeds. Up is better, left is less sensitive. Lines pass through the reference, "
            f"{base.surface.algorithm}; above the diagonal an algorithm is better than it also "
            "with one setting for all environments. Adkins, Bowling and White 2024.",
        )


def _span(values: Sequence[Any]) -> tuple[float, float]:
    """All intervals, with room for the words of the regions."""
    flat = np.array([bound for value in values for bound in value], dtype=float)
    low, high = float(np.nanmin(flat)), float(np.nanmax(flat))
    room = 0.35 * max(high - low, 0.05)
    return low - room, high + room


def _arms(value: Any) -> Any:
    """Lengths below and above a point, none where there is no interval."""
    arms = np.array([[value.value - value.low], [value.high - value.value]])
    return np.maximum(np.nan_to_num(arms), 0)


def _regions(axis: Any, base: Owed, x: tuple[float, float], y: tuple[float, float]) -> None:
    p, s = base.tuned.value, base.phi.value
    far = max(x[1] - x[0], y[1] - y[0]) * 2
    corners = {
        1: [[(s, p), (s - far, p), (s - far, p + far), (s, p + far)]],
        2: [[(s, p), (s, p + far), (s + far, p + far)]],
        3: [[(s, p), (s - far, p - far), (s - far, p)]],
        4: [
            [(s, p), (s + far, p + far), (s + far, p)],
            [(s, p), (s - far, p - far), (s, p - far)],
        ],
        5: [[(s, p), (s, p - far), (s + far, p - far), (s + far, p)]],
    }
    for number, shapes in corners.items():
        for shape in shapes:
            axis.fill(*zip(*shape, strict=True), color=SHADES[number], alpha=0.13, linewidth=0)
    for dx, dy in ((far, 0), (0, far), (far, far)):
        axis.plot([s - dx, s + dx], [p - dy, p + dy], color=fig.SURROUND, linewidth=0.8)
    edges = {
        1: (0.015, 0.98, "left", "top"),
        2: (0.62, 0.98, "center", "top"),
        3: (0.015, 0.42, "left", "center"),
        4: (0.985, 0.60, "right", "center"),
        5: (0.985, 0.02, "right", "bottom"),
    }
    for number, (across, up, ha, va) in edges.items():
        axis.text(
            across,
            up,
            SHORT[number],
            transform=axis.transAxes,
            ha=ha,
            va=va,
            fontsize=7,
            color=fig.SURROUND,
        )
