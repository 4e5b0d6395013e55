"""Abstract finite MDPs: transition probabilities as heat maps, distances between agents."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.drawing import SHOWN, panels, shown, write_values
from fedrl.envs.family import Array


def draw_kernels(federation: Federation) -> Figure:
    """P_π(s'|s) of the uniform policy, agent by agent, then all distances between agents."""
    task, count = federation.task, min(federation.agents, SHOWN)
    mixed = task.kernel.mean(axis=2)  # (N, Z, Z)
    figure, axes = panels(count + 1, 4, 1.75, 1.75)
    for agent, ax in enumerate(axes[:count]):
        image = ax.imshow(mixed[agent], cmap="Blues", vmin=0, vmax=mixed[:count].max())
        ax.set_title(f"agent {agent}")
        ax.set_xticks([])
        ax.set_yticks([])
        if agent == 0:
            ax.set_xlabel("next state")
            ax.set_ylabel("state")
    figure.colorbar(image, ax=axes[:count], shrink=0.6, label="probability", pad=0.01)
    _distances(figure, axes[count], task.kernel[:count])
    figure.suptitle(
        f"{federation.name}, κ = {federation.kappa:g}{shown(federation.agents)}\n"
        "transitions of the uniform policy; mean total variation between agents"
    )
    return figure


def _distances(figure: Figure, ax: Any, kernel: Array) -> None:
    """TV(i, j) averaged over states and actions: (N, N)."""
    distance = np.array([np.abs(kernel - one).sum(axis=-1).mean(axis=(1, 2)) / 2 for one in kernel])
    image = ax.imshow(distance, cmap="Oranges", vmin=0, vmax=max(distance.max(), 1e-12))
    ax.set_title("TV between agents")
    ax.set_xticks(range(len(kernel)))
    ax.set_yticks(range(len(kernel)))
    ax.tick_params(labelsize=6)
    if len(kernel) <= 6:
        dark = 0.6 * distance.max()
        write_values(ax, distance, ".2f", 5.5, lambda value: bool(value > dark and value))
    else:
        figure.colorbar(image, ax=ax, shrink=0.6)
