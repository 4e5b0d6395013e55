"""Which pictures a family gets, by what it is able to tell."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from benchmark.pictures.drawing import STYLE, save
from benchmark.pictures.episodes import draw_episodes
from benchmark.pictures.federation import Federation
from benchmark.pictures.grids import draw_grids
from benchmark.pictures.kernels import draw_kernels
from benchmark.pictures.layout import layout_of
from benchmark.pictures.strips import draw_strips
from envs.tabular import Tabular


def write_portrait(federation: Federation, out: Path) -> list[Path]:
    """Maps of a grid, heat maps of another finite MDP, strips of knobs; and episodes for all."""
    layout = layout_of(federation.family)
    figures = {}
    with mpl.rc_context(STYLE):
        if layout is not None:
            figures["maps"] = draw_grids(federation, layout)
        elif isinstance(federation.family, Tabular):
            figures["kernels"] = draw_kernels(federation)
        if federation.knobs:
            figures["knobs"] = draw_strips(federation)
        figures["episodes"] = draw_episodes(federation)
    return [path for name, figure in figures.items() for path in save(figure, out, name)]
