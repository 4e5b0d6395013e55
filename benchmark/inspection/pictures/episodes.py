"""Every family: a few episodes of the random policy over time."""

from typing import Any

import numpy as np
from gymnasium import spaces
from matplotlib.figure import Figure

from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.drawing import COLOURS, SHOWN, panels, shown
from fedrl.benchmark.training.rollout import Episodes
from fedrl.envs.family import Array

COMPONENTS = 8  # of an observation, drawn one by one
EPISODES = 3
FIRST_STEPS = 100  # of observations; the reward is drawn to the end


def draw_episodes(federation: Federation) -> Figure:
    """Draw observations and gathered reward over time, a colour per agent."""
    played, count = federation.episodes(EPISODES), min(federation.agents, SHOWN)
    width = played.observation.shape[-1]
    drawn = min(width, COMPONENTS)
    figure, axes = panels(drawn + 1, 3, 2.6, 1.6)
    space = federation.family.observation_space
    discrete = isinstance(space, spaces.Discrete)
    if isinstance(space, spaces.Discrete):
        _visits(figure, axes[0], played, count, int(space.n))
    for agent in range(count):
        for b, end in enumerate(played.length[agent]):
            for component in range(0 if discrete else drawn):
                seen = played.observation[agent, b, : min(end, FIRST_STEPS), component]
                _line(axes[component], seen, agent, b)
            _line(axes[drawn], np.cumsum(played.reward[agent, b, :end]), agent, b)
    for component in range(drawn):
        axes[component].set_title("visits, share" if discrete else f"observation {component}")
    axes[drawn].set_title("reward gathered")
    axes[drawn].set_xlabel("step")
    if count <= 6:
        handles = [line for line in axes[drawn].lines if not line.get_label().startswith("_")]
        axes[drawn].legend(handles=handles, fontsize=6, frameon=False)
    more = f", {drawn} of {width} components" if drawn < width else ""
    figure.suptitle(
        f"{federation.name}, κ = {federation.kappa:g}: {EPISODES} episodes of a random policy"
        f"{shown(federation.agents)}{more}"
    )
    return figure


def _visits(figure: Figure, ax: Any, played: Episodes, agents: int, states: int) -> None:
    """How often every agent is in every state: (N, Z), rows sum to 1."""
    share = np.zeros((agents, states))
    for agent in range(agents):
        for b, end in enumerate(played.length[agent]):
            seen = played.observation[agent, b, :end, 0].astype(int)
            share[agent] += np.bincount(seen, minlength=states)
    share /= share.sum(axis=1, keepdims=True)
    image = ax.imshow(share, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest")
    figure.colorbar(image, ax=ax)
    ax.set_xlabel("state")
    ax.set_ylabel("agent")
    ax.set_yticks(range(agents))
    ax.tick_params(labelsize=6)


def _line(ax: Any, values: Array, agent: int, episode: int) -> None:
    ax.plot(
        values,
        color=COLOURS[agent % len(COLOURS)],
        lw=0.9,
        alpha=0.8 if episode == 0 else 0.3,
        label=f"agent {agent}" if episode == 0 else f"_{agent}",
    )
    ax.tick_params(labelsize=6)
