"""The performance-sensitivity plane and its five regions.  Adkins, Bowling & White 2024.

ΔP and ΔΦ are differences to a reference algorithm: of Γ with the best setting per environment,
and of Φ. Tuned performance less Φ is Γ with one setting for all, so ΔP > ΔΦ says that the
algorithm is better than the reference also without tuning per environment. The paper draws five
regions; what separates ours is derived from these two comparisons, and their numbers are ours.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.tuning_sensitivity import TuningSensitivity, difference

REGIONS = {
    0: "the same as the reference",
    1: "better and less sensitive",
    2: "better by more than it is more sensitive",
    3: "worse by less than it is less sensitive",
    4: "one whose performance and sensitivity do not pay for each other",
    5: "worse and more sensitive",
}
SHADES = {1: "#009E73", 2: "#56B4E9", 3: "#F0E442", 4: "#E69F00", 5: "#D55E00"}
SHORT = {
    1: "1 better,\nless sensitive",
    2: "2 better by more\nthan more sensitive",
    3: "3 worse by less\nthan less sensitive",
    4: "4 does\nnot pay",
    5: "5 worse,\nmore sensitive",
}


def region(performance: float, sensitivity: float) -> int:
    """Number the region of differences ΔP, ΔΦ; a tie goes to the better side, two ties are 0."""
    if performance == 0 and sensitivity == 0:
        return 0
    if performance >= 0 and sensitivity <= 0:
        return 1
    if performance <= 0 and sensitivity >= 0:
        return 5
    if performance <= sensitivity:
        return 4
    return 2 if performance > 0 else 3


def reference(found: Sequence[TuningSensitivity], spec: Sensitivity) -> TuningSensitivity:
    """FedPG where it was run, else the first algorithm by name."""
    own = [one for one in found if one.surface.algorithm == spec.baseline]
    return (own or sorted(found, key=lambda one: one.surface.algorithm))[0]


def place(one: TuningSensitivity, base: TuningSensitivity) -> int:
    """The region of an algorithm, from the point estimates."""
    return region(one.tuned.value - base.tuned.value, one.phi.value - base.phi.value)


def is_settled(one: TuningSensitivity, base: TuningSensitivity, spec: Sensitivity) -> bool:
    """Whether the intervals of both differences to the reference leave 0 out."""
    return all(d.low > 0 or d.high < 0 for d in difference(one, base, spec))


def plane(found: Sequence[TuningSensitivity], looks: Any, spec: Sensitivity) -> fig.Figure:
    """Every algorithm with intervals, the regions around the reference shaded."""
    base = reference(found, spec)
    reach = _reach(found, base)
    x, y = ((at - reach, at + reach) for at in (base.phi.value, base.tuned.value))
    with fig.styled():
        figure, axes = fig.panels(1, 1, 5.4, 4.9)
        axis = axes[0, 0]
        _regions(axis, base, reach)
        handles = []
        for one in found:
            look = {name: looks[one.surface.algorithm][name] for name in ("color", "marker")}
            axis.errorbar(
                one.phi.value,
                one.tuned.value,
                xerr=marks.arms(*np.array(one.phi)[:, None]),
                yerr=marks.arms(*np.array(one.tuned)[:, None]),
                **look,
                **{"markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6},
                **{"capsize": 2, "elinewidth": 1.1, "zorder": 3},
            )
            name = one.surface.printed + (" (reference)" if one is base else "")
            handles.append(fig.key(name, **look, linestyle="none", markersize=6))
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
            f"{base.surface.printed}; above the diagonal an algorithm is better than it also "
            "with one setting for all environments. Adkins, Bowling and White 2024.",
        )


def _reach(found: Sequence[TuningSensitivity], base: TuningSensitivity) -> float:
    """From the reference to the farthest end of an interval, and a little more.

    The same up and sideways, so that every region is seen and the diagonal is one.
    """
    ends = [abs(np.array(one.phi) - base.phi.value) for one in found]
    ends += [abs(np.array(one.tuned) - base.tuned.value) for one in found]
    return 1.15 * max(float(np.nanmax(ends)), 0.01)


def _regions(axis: Any, base: TuningSensitivity, reach: float) -> None:
    """Shaded and named; unit square [-1, 1]² around the reference."""
    p, s = base.tuned.value, base.phi.value
    corners = {
        1: [[(0, 0), (-1, 0), (-1, 1), (0, 1)]],
        2: [[(0, 0), (0, 1), (1, 1)]],
        3: [[(0, 0), (-1, -1), (-1, 0)]],
        4: [[(0, 0), (1, 1), (1, 0)], [(0, 0), (-1, -1), (0, -1)]],
        5: [[(0, 0), (0, -1), (1, -1), (1, 0)]],
    }
    for number, shapes in corners.items():
        for shape in shapes:
            x, y = np.array(shape, dtype=float).T * reach
            axis.fill(s + x, p + y, color=SHADES[number], alpha=0.13, linewidth=0)
    for dx, dy in ((reach, 0), (0, reach), (reach, reach)):
        axis.plot([s - dx, s + dx], [p - dy, p + dy], color=fig.SURROUND, linewidth=0.8)
    edges = {
        1: ((-0.97, 0.97, "left", "top"),),
        2: ((0.03, 0.97, "left", "top"),),
        3: ((-0.97, -0.42, "left", "top"),),
        4: ((0.97, 0.05, "right", "bottom"), (-0.03, -0.97, "right", "bottom")),
        5: ((0.97, -0.97, "right", "bottom"),),
    }
    for number, places in edges.items():
        for x, y, ha, va in places:
            look = {"ha": ha, "va": va, "fontsize": 7, "color": fig.SURROUND}
            axis.text(s + x * reach, p + y * reach, SHORT[number], **look)
