"""Pages of the Python reference: a page per module, a section per room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from making import rooms
from making.docstrings import escaped

ROOT = rooms.ROOT
COMMANDS = "benchmark/cli"  # have a page of their own


def pages() -> dict[str, str]:
    """Path below `generated` to text."""
    found = {"api/index.md": index()}
    for path in places():
        if path.is_dir():
            found[f"api/{dotted(path)}.rst"] = room_page(path)
        found |= {
            f"api/{dotted(module)}.rst": module_page(dotted(module)) for module in files(path)
        }
    return found


def places() -> Iterator[Path]:
    """Rooms in the order of their table: folders, and files that are a room of their own."""
    for package, lines in rooms.table().items():
        for room in (room for line in lines for room in line if f"{package}/{room}" != COMMANDS):
            folder = ROOT / package / room
            yield folder if folder.is_dir() else folder.with_suffix(".py")


def files(place: Path) -> list[Path]:
    """The modules of a room."""
    found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return [path for path in found if not path.stem.startswith("_")]


def modules() -> list[str]:
    """Dotted names of all documented modules."""
    return [dotted(path) for place in places() for path in files(place)]


def dotted(path: Path) -> str:
    """A file or folder as it is imported."""
    return ".".join(("fedrl", *path.relative_to(ROOT).with_suffix("").parts))


def index() -> str:
    """The rooms, each with what it is for."""
    found = list(places())
    lines = [
        f"- [`{dotted(path)}`]({dotted(path)}.rst): "
        + rooms.purpose(path.relative_to(ROOT).parts[0], path.stem)
        for path in found
    ]
    tree = "\n".join(dotted(path) for path in found)
    return (
        "# Python reference\n\nWritten from the docstrings when this site is built. A section is a "
        "room of [the architecture](/architecture.md); [the commands](/generated/commands.md) are "
        "the other way in.\n\n" + "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n{tree}\n```\n"
    )


def room_page(folder: Path) -> str:
    """A table of modules with the first line of each docstring."""
    title = dotted(folder)
    text = escaped(rooms.purpose(folder.relative_to(ROOT).parts[0], folder.name))
    lines = [title, "=" * len(title), "", text, "", ".. list-table::", "   :widths: 40 60", ""]
    for path in files(folder):
        lines += [f"   * - :py:mod:`{dotted(path)}`", f"     - {_first(path)}"]
    names = (f"   {dotted(path)}" for path in files(folder))
    return "\n".join([*lines, "", ".. toctree::", "   :hidden:", "", *names]) + "\n"


def module_page(name: str) -> str:
    """All of a module that has a docstring."""
    options = ("members", "show-inheritance")
    head = [name, "=" * len(name), "", f".. automodule:: {name}"]
    return "\n".join([*head, *(f"   :{option}:" for option in options), ""])


def _first(path: Path) -> str:
    """The first line of a module's docstring, escaped."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return escaped(text.split("\n")[0])
