"""Grid-like families: a map per agent, with what blows and slips, and a random policy's walks."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.drawing import (
    ACCENT,
    FAINT,
    GOAL,
    INK,
    SHOWN,
    WALL,
    panels,
    shown,
)
from fedrl.benchmark.inspection.pictures.layout import WALL as WALL_MARK
from fedrl.benchmark.inspection.pictures.layout import Layout
from fedrl.envs.family import Array

VISIBLE = 0.02  # cells a step; a drift below it has no arrow
WALKS = 3  # episodes drawn


def draw_grids(federation: Federation, layout: Layout) -> Figure:
    """One map per agent."""
    task, knobs = federation.task, federation.knobs
    stock = federation.family.sample(1, 0.0, federation.seed.generator("environment"))
    calm = drift(stock.kernel[0], layout)
    count = min(federation.agents, SHOWN)
    side = 0.42 * max(layout.width, 4)
    figure, axes = panels(count, 4 if layout.width < 9 else 2, side, 0.42 * layout.height + 0.5)
    walks = federation.episodes(WALKS)
    astray = 1 - task.kernel.max(axis=-1).mean(axis=-1)  # (N, Z)
    for agent, ax in enumerate(axes):
        _board(ax, layout, astray[agent], task.terminal[agent], task.start[agent])
        _walks(ax, layout, walks, agent)
        _arrows(ax, layout, drift(task.kernel[agent], layout) - calm)
        values = [f"{name} {column[agent]:.2g}" for name, column in knobs.items()]
        ax.set_title("\n".join([f"agent {agent}", ", ".join(values)]), fontsize=7)
    figure.suptitle(
        f"{federation.name}, κ = {federation.kappa:g}{shown(federation.agents)}\n"
        "arrows: drift beyond the stock MDP's; shade: chance that a move goes astray; "
        "lines: a random policy"
    )
    return figure


def drift(kernel: Array, layout: Layout) -> Array:
    """Mean displacement (Z, 2) in rows and columns when all actions are equally likely."""
    at = np.array([place if place is not None else (np.nan, np.nan) for place in layout.places])
    mean = kernel.mean(axis=1)  # (Z, Z)
    return np.asarray(mean @ np.nan_to_num(at) - np.nan_to_num(at))


def _board(ax: Any, layout: Layout, astray: Array, terminal: Array, start: Array) -> None:
    for r, row in enumerate(layout.rows):
        for c, mark in enumerate(row):
            face = WALL if mark == WALL_MARK else "white"
            _cell(ax, r, c, facecolor=face, edgecolor=FAINT, lw=0.6)
    for state, place in enumerate(layout.places):
        if place is None:
            continue
        r, c = place
        mark = layout.rows[r][c]
        if mark == WALL_MARK:
            continue
        if not terminal[state]:
            _cell(ax, r, c, facecolor=ACCENT, alpha=0.45 * astray[state], lw=0)
        elif mark != ".":
            _cell(ax, r, c, facecolor=GOAL, alpha=0.35, lw=0)
        if start[state] > 0 and len(np.flatnonzero(start)) < 5:
            mark = "S" if mark == "." else mark
        if mark != ".":
            ax.text(c, r, mark, ha="center", va="center", fontsize=8, color=INK, weight="bold")
    ax.set_xlim(-0.55, layout.width - 0.45)
    ax.set_ylim(layout.height - 0.45, -0.55)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _cell(ax: Any, row: int, column: int, **style: Any) -> None:
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **style))


def _arrows(ax: Any, layout: Layout, drift: Array) -> None:
    for place, (down, right) in zip(layout.places, drift, strict=True):
        length = np.hypot(down, right)
        if place is None or layout.rows[place[0]][place[1]] == WALL_MARK or length < VISIBLE:
            continue
        scale = min(0.8, 0.25 + length) / length
        r, c = place
        ax.annotate(
            "",
            (c + right * scale / 2, r + down * scale / 2),
            (c - right * scale / 2, r - down * scale / 2),
            arrowprops={"arrowstyle": "-|>", "color": ACCENT, "lw": 0.8, "mutation_scale": 6},
        )


def _walks(ax: Any, layout: Layout, walks: Any, agent: int) -> None:
    for b in range(walks.length.shape[1]):
        seen = walks.observation[agent, b, : walks.length[agent, b], 0].astype(int)
        places = np.array([p for s in seen if (p := layout.places[s]) is not None], float)
        if len(places):
            offset = 0.12 * (b - 1)  # so that lines over one another can be seen
            ax.plot(places[:, 1] + offset, places[:, 0] + offset, color=INK, alpha=0.35, lw=0.8)
