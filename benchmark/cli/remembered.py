"""Lists that take seconds to make are made once and kept, as long as nothing has changed.

They are facts of the source, of the packages that are installed and of those that add entries, and
are kept where Python keeps compiled modules, under a digest of all files' names, sizes and times.
The folder that a command is called in is no part of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedrl.benchmark.cli.names import PACKAGES, entry_points

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PLACE = Path(__file__).parent / "__pycache__"
KEPT = 8  # of one list: environments that share the source have different plug-ins
GROUPS = ("fedrl.algorithms", "fedrl.families")


def remembered(name: str, make: Callable[[], Any]) -> Any:
    """What `make` returns, a value of JSON; made now, or by a process before."""
    file = PLACE / f"{name}-{digest()}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_text("utf-8"))
    answer = make()
    with suppress(OSError):  # a folder that cannot be written: it is made again the next time
        PLACE.mkdir(exist_ok=True)
        found = sorted(PLACE.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime)
        for old in found[:-KEPT]:
            old.unlink()
        temporary = file.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(answer), "utf-8")
        temporary.replace(file)
    return answer


def digest() -> str:
    """Of everything that lists are made from."""
    facts: list[object] = [sys.version]
    for package in ("algorithms", "benchmark", "envs"):
        files = sorted(
            path for path in (PACKAGES / package).rglob("*") if path.suffix in (".py", ".toml")
        )
        facts += [(str(path), *_state(path)) for path in files]
    facts += sorted(
        path.name
        for place in map(Path, sys.path)
        for suffix in ("dist-info", "egg-info")
        for path in place.glob(f"*.{suffix}")
    )
    points = [point for group in GROUPS for point in entry_points(group=group)]
    for point in points:
        facts += [str(point), *((str(path), *_state(path)) for path in _sources(point))]
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _sources(point: EntryPoint) -> list[Path]:
    """The files of the package that adds an entry, found without importing it."""
    with suppress(ImportError, ValueError):
        spec = find_spec(point.module.partition(".")[0])
        if spec is not None and spec.submodule_search_locations is not None:
            folders = map(Path, spec.submodule_search_locations)
            return sorted(path for folder in folders for path in folder.rglob("*.py"))
        if spec is not None and spec.origin is not None:
            return [Path(spec.origin)]
    return []


def _state(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_size, state.st_mtime_ns
