"""Physical families: every knob as a strip, from its lowest to its highest value."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.drawing import COLOURS, FAINT, INK, panels
from fedrl.envs.family import Array, Knob


def draw_strips(federation: Federation) -> Figure:
    """A strip per knob: grey what κ = 1 allows, dark what this κ allows, a point per agent."""
    figure, axes = panels(len(federation.knobs), 1, 6.4, 0.62)
    for ax, (name, values) in zip(axes, federation.knobs.items(), strict=True):
        _strip(ax, name, federation.family.knobs[name], values, federation.kappa)
    figure.suptitle(
        f"{federation.name}, κ = {federation.kappa:g}, {federation.agents} agents\n"
        "grey: range at κ = 1; black: range here; tick: stock; points: agents"
    )
    return figure


def _strip(ax: Any, name: str, knob: Knob, values: Array, kappa: float) -> None:
    low, high = (knob.stock + kappa * (end - knob.stock) for end in (knob.low, knob.high))
    ax.plot([knob.low, knob.high], [0, 0], color=FAINT, lw=5, solid_capstyle="butt")
    ax.plot([low, high], [0, 0], color=INK, lw=1.2, solid_capstyle="butt")
    ax.plot([knob.stock] * 2, [-0.35, 0.35], color=INK, lw=1)
    for rank, agent in enumerate(np.argsort(values)):
        value = values[agent]
        colour = COLOURS[agent % len(COLOURS)]
        ax.plot([value], [0], "o", color=colour, ms=6, mec="white", mew=0.6)
        if len(values) <= 6:
            above = rank % 2 == 0  # neighbours would write over one another
            ax.annotate(
                str(agent),
                (value, 0),
                (0, 5 if above else -5),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=6,
            )
    margin = 0.06 * (max(high, knob.high) - min(low, knob.low))
    ax.set_xlim(min(low, knob.low) - margin, max(high, knob.high) + margin)
    ax.set_ylim(-0.9, 0.9)
    ax.set_yticks([])
    ax.tick_params(labelsize=6)
    ax.spines["left"].set_visible(False)
    ax.set_ylabel(f"{name}\n{knob.unit}", rotation=0, ha="right", va="center", fontsize=7)
