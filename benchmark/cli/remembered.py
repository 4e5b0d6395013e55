"""Lists that take seconds to make are made once and kept, as long as nothing has changed.

They are facts of the source and of the packages beside it, and are kept where Python keeps compiled
modules, under a digest of all files' names, sizes and times.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from fedrl.benchmark.cli.names import PACKAGES

PLACE = Path(__file__).parent / "__pycache__"


def remembered(name: str, make: Callable[[], Any]) -> Any:
    """What `make` returns, a value of JSON; made now, or by a process before."""
    file = PLACE / f"{name}-{digest()}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_text("utf-8"))
    answer = make()
    with suppress(OSError):  # a folder that cannot be written: it is made again the next time
        PLACE.mkdir(exist_ok=True)
        for old in PLACE.glob(f"{name}-*.json"):
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
    facts += [(entry, *_state(Path(entry))) for entry in sys.path]
    facts += [str(point) for group in ("fedrl.algorithms", "fedrl.families")
              for point in entry_points(group=group)]  # fmt: skip
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _state(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError:
        return ()
    # Of a folder of packages only the time: installing one changes it.
    return (state.st_size, state.st_mtime_ns) if path.is_file() else (state.st_mtime_ns,)
