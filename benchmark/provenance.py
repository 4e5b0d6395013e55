"""Where numbers come from: code, versions, machine; and the key that identifies a run."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.cell import Cell, Run

DECISIVE = ("numpy", "torch", "numba", "gymnasium", "mujoco")  # packages that may change numbers
RECORDED = (*DECISIVE, "scipy", "pandas", "pyarrow", "pydantic", "matplotlib", "fedrl")
MODULES = ("noise", "rollout", "federation", "evaluate", "cell")  # of benchmark: they decide too
EXECUTION = "local, one thread per worker"


@cache
def versions() -> dict[str, str]:
    """Of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in RECORDED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def machine() -> dict[str, Any]:
    """What a timing depends on. No paths, no host name."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
    }


@cache
def code_digest(*extra: type) -> str:
    """Digest of all code that decides a run's numbers; `extra` are classes from other packages."""
    sources = {f"algorithms/{path.name}": path for path in folder("algorithms").glob("*.py")}
    sources |= {f"envs/{path.name}": path for path in folder("envs").glob("*.py")}
    sources |= {f"benchmark/{name}.py": folder("benchmark") / f"{name}.py" for name in MODULES}
    known = {path.resolve() for path in sources.values()}
    for entry in extra:
        path = Path(inspect.getfile(entry))
        if path.resolve() not in known:
            sources[entry.__module__] = path
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(sources):
        digest.update(f"{name}\0".encode() + sources[name].read_bytes() + b"\0")
    return digest.hexdigest()


def folder(package: str) -> Path:
    """Folder of a package, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def run_key(run: Run) -> str:
    """Hash of everything that decides the run's numbers."""
    decisive = {
        "cell": run.cell.model_dump(mode="json"),
        "seed": [run.seed.namespace, run.seed.index],
        "code": cell_code(run.cell),
        "versions": _decisive_versions(),
        "threads": 1,
    }
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def manifest(cell: Cell) -> dict[str, Any]:
    """What is recorded beside a cell's results."""
    return {
        "cell": cell.model_dump(mode="json"),
        "server_step": cell.server_step,
        "code": cell_code(cell),
        "versions": versions(),
        "machine": machine(),
        "dtype": cell.dtype,
        "execution": EXECUTION,
    }


def cell_code(cell: Cell) -> str:
    """Digest of the code that decides this cell's numbers."""
    return code_digest(type(cell.build_family()), type(cell.build_algorithm()))


@cache
def _decisive_versions() -> dict[str, str]:
    found = versions()
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: found[name] for name in DECISIVE if name in found}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())
