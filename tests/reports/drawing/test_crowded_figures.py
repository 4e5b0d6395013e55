"""Laws of figures with many curves of long names: nothing collapses and nothing is cut."""

import warnings
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks

NAMES = [
    f"FedPG, aggregator=trimmed-mean byzantine 10, attack=alie agents {n} scale 1.5, "
    "compression=qsgd levels 1, privacy=clip 1 noise 2"
    for n in range(40)
]


def legend(figure: Any, axis: Any) -> list[Any]:
    fig.legend(figure, [fig.key(name) for name in NAMES])
    return list(figure.legends[0].get_texts())


def rows(figure: Any, axis: Any) -> list[Any]:
    marks.name_rows(axis, NAMES)
    return list(axis.get_yticklabels())


@pytest.mark.parametrize("named", [legend, rows])
@pytest.mark.parametrize("size", ["", "icml"])
def test_many_long_names_leave_room_for_the_panel(named: Any, size: str) -> None:
    with fig.styled(), fig.paper(size), warnings.catch_warnings():
        warnings.simplefilter("error")  # that a panel collapsed
        figure, axes = fig.panels(1, 1, 2.45, 2.45)
        texts = named(figure, axes[0, 0])
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        boxes = sorted((t.get_window_extent(renderer) for t in texts), key=lambda box: box.y0)
        assert len(boxes) == len(NAMES)
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert all(low.y1 <= high.y0 + 1 for low, high in zip(boxes, boxes[1:], strict=False))
        assert axes[0, 0].get_window_extent(renderer).width > 0.3 * figure.bbox.width
