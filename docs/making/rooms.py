"""The picture of the rooms, drawn from the table of tests/project/test_layering.py.

`python docs/making/rooms.py` writes docs/architecture.svg; a test holds that it is up to date.
"""

from __future__ import annotations

import ast
import textwrap
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "architecture.svg"
WIDTH, GAP, LINE = 960, 10, 16  # of the picture, between boxes, from a line of text to the next
NARROWEST, LETTER = 130, 6.8  # width of a box, of a letter
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-labelledby="rooms-title" font-family="system-ui, sans-serif" font-size="14">
<title id="rooms-title">Rooms of the four packages: a room imports only rooms below it</title>
<style>
.page {{ fill: #fff; }}
.package {{ fill: none; stroke: #9ca4af; stroke-dasharray: 5 4; }}
.room {{ fill: #f3f4f5; stroke: #0a7d91; stroke-width: 1.5; }}
.name {{ fill: #222832; font-weight: 600; }}
.note {{ fill: #48566b; font-size: 12px; }}
</style>
<rect class="page" width="{width}" height="{height}"/>
"""


def table() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Package to its rooms from the top down, without its `__init__`."""
    source = (ROOT / "tests" / "project" / "test_layering.py").read_text("utf-8")
    (rooms,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ROOMS"
    )
    return {
        package: tuple(line for line in lines if line != ("__init__",))
        for package, lines in rooms.items()
    }


def purpose(package: str, room: str) -> str:
    """The first sentence of a room's docstring."""
    folder = ROOT / package / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("`", "")


def drawing() -> str:
    """`benchmark` over the packages that it stands on."""
    rooms = table()
    below = [package for package in rooms if package != "benchmark"]
    shapes, height = _package("benchmark", rooms["benchmark"], GAP, GAP, WIDTH - 2 * GAP)
    width = (WIDTH - 2 * GAP - GAP * (len(below) - 1)) / len(below)
    bottom = height
    for place, package in enumerate(below):
        left = GAP + place * (width + GAP)
        found, end = _package(package, rooms[package], left, height + GAP, width)
        shapes += found
        bottom = max(bottom, end)
    head = HEAD.format(width=WIDTH, height=f"{bottom + GAP:g}")
    return head + "\n".join(shapes) + "\n</svg>\n"


def _package(
    package: str, lines: Any, left: float, top: float, width: float
) -> tuple[list[str], float]:
    """Shapes of a package, and the height at which it ends."""
    shapes = [_text("name", left + GAP, top + 1.3 * LINE, f"{package}/")]
    height = top + 2 * LINE
    most = int(width // NARROWEST)
    for rooms in (line[i : i + most] for line in lines for i in range(0, len(line), most)):
        each = (width - GAP * (len(rooms) + 1)) / len(rooms)
        notes = [_wrapped(purpose(package, room), each) for room in rooms]
        tall = (1.2 + max(map(len, notes))) * LINE + GAP
        for place, (room, note) in enumerate(zip(rooms, notes, strict=True)):
            x = left + GAP + place * (each + GAP)
            shapes.append(_box("room", x, height, each, tall))
            shapes.append(_text("name", x + GAP, height + 1.2 * LINE, room))
            shapes += (
                _text("note", x + GAP, height + (2.2 + row) * LINE, part)
                for row, part in enumerate(note)
            )
        height += tall + GAP
    return [_box("package", left, top, width, height - top), *shapes], height


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, int((width - 2 * GAP) / LETTER))


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    size = f'width="{width:.5g}" height="{height:.5g}"'
    return f'<rect class="{kind}" x="{x:.5g}" y="{y:.5g}" {size} rx="6"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.5g}" y="{y:.5g}">{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
