"""Figures that are drawn once when they are saved."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine


class Canvas(Figure):
    """Finds the places of its parts and stops there, where Matplotlib would draw all unseen."""

    def draw(self, renderer: Any) -> None:
        engine = self.get_layout_engine()
        # a figure that is being saved has its engine the first time, and none the second
        if isinstance(engine, ConstrainedLayoutEngine) and self.canvas.is_saving():
            engine.execute(self)
        else:
            super().draw(renderer)
