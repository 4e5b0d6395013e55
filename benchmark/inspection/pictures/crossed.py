"""Heat maps of cross-evaluations: a row per policy, a column per agent it is tried on."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from fedrl.benchmark.inspection.cross_evaluation import OPTIMUM, Crossed, Matrix
from fedrl.benchmark.inspection.pictures.drawing import STYLE, write_values

READABLE = 12  # agents whose values are written out
COLOURS = "viridis"


def draw_crossed(crossed: Crossed) -> Figure:
    """J of the agents' optima and of the trained policies, on one scale of colours."""
    matrices = [matrix for matrix in (crossed.optimum, crossed.trained) if matrix is not None]
    values = np.concatenate([matrix.objective.ravel() for matrix in matrices])
    low, high = float(values.min()), float(values.max())
    agents = crossed.run.config.agents
    entry = 0.42 if agents <= READABLE else 0.12
    heights = [max(len(matrix.objective), 1.5) for matrix in matrices]
    size = (max(4.6, entry * agents + 1.8), 1.1 + sum(entry * rows + 0.75 for rows in heights))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(matrices), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, matrix in zip(axes, matrices, strict=True):
            image = _map(ax, matrix, agents, low, high)
        figure.colorbar(image, ax=list(axes), label="J, discounted", shrink=0.9)
        figure.suptitle(_title(crossed))
    return figure


def _map(ax: Any, matrix: Matrix, agents: int, low: float, high: float) -> Any:
    """One matrix, with its numbers as long as they can be read."""
    values = matrix.objective
    common = len(values) < agents
    image = ax.imshow(values, cmap=COLOURS, vmin=low, vmax=high, aspect="auto")
    what = "optimum" if matrix.kind == OPTIMUM else "final policy"
    whose = f"common {what}" if common else f"{what} of agent i"
    how = f"{matrix.episodes} episodes each" if matrix.episodes else "exact"
    ax.set_title(f"{whose} in the MDP of agent j, {how}", fontsize=7)
    step = 1 if agents <= READABLE else max(1, agents // 10)
    ax.set_xticks(range(0, agents, step))
    ax.set_yticks([] if common else range(0, len(values), step))
    ax.set_xlabel("agent j")
    ax.set_ylabel("" if common else "agent i")
    ax.tick_params(length=0)
    if agents <= READABLE:
        bright = low + 0.55 * (high - low)
        size = 6.5 if agents <= 8 else 5.5
        write_values(ax, values, ".3g", size, lambda value: not value > bright)
    return image


def _title(crossed: Crossed) -> str:
    config, seed = crossed.run.config, crossed.run.seed.index
    first = f"{config.family}, κ = {config.kappa:g}, {config.algorithm}, seed {seed}"
    if crossed.distance is None or crossed.gap is None:
        return first
    return (
        f"{first}\nTV largest {crossed.distance.largest:.3g}, mean {crossed.distance.mean:.3g}; "
        f"gap of sharing one policy ≤ {crossed.gap:.3g}"
    )
