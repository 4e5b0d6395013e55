"""Which pictures a family gets, by what it is able to tell."""

from pathlib import Path

import matplotlib as mpl

from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.drawing import STYLE, save
from fedrl.benchmark.inspection.pictures.episodes import draw_episodes
from fedrl.benchmark.inspection.pictures.grids import draw_grids
from fedrl.benchmark.inspection.pictures.kernels import draw_kernels
from fedrl.benchmark.inspection.pictures.layout import layout_of
from fedrl.benchmark.inspection.pictures.strips import draw_strips
from fedrl.envs.finite.tabular import Tabular


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
