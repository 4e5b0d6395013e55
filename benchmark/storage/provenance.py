"""Where numbers come from: code, versions, machine; and the key that identifies a run."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage.run_code import VERSIONED, Code, code_of

DECISIVE = (*VERSIONED, "engine")
RECORDED = (*VERSIONED, "scipy", "pandas", "pyarrow", "pydantic", "matplotlib", "fedrl")
EXECUTION = "one thread per worker"


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and installed packages, and the mode of the engine."""
    found = {"python": platform.python_version()}
    for package in RECORDED:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found | {"engine": engine()}


def engine() -> str:
    """How the kernels run: float32 rounds differently in the interpreter, so it is recorded."""
    off = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return "interpreted" if off else "compiled"


IMAGE = "FEDRL_IMAGE"  # digest of the container image, which nothing inside of it knows


@cache
def machine() -> dict[str, Any]:
    """Describe the machine that timings and last digits depend on. No paths, no host name."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "linear_algebra": _linear_algebra(),
        **({"image": image} if (image := os.environ.get(IMAGE)) else {}),
    }


def folder(package: str) -> Path:
    """Folder of a package, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def run_key(run: Run) -> str:
    """Hash of everything that decides the run's numbers."""
    return key_of(run.config.model_dump(mode="json"), run.seed, config_code(run.config), versions())


def key_of(config: Mapping[str, Any], seed: Seed, code: Any, versions: Mapping[str, str]) -> str:
    """The key of a run that was computed by this code and these versions.

    `code` is as a manifest has it: until 0.1.0 it was one digest of all code.
    """
    decisive = {
        "cell": config,
        "seed": [seed.namespace, seed.index],
        "code": code,
        "versions": decisive_versions(versions),
        "threads": 1,
    }
    return json_digest(decisive)


def json_digest(value: Any) -> str:
    """The digest of a value as JSON, in which the order of keys does not count."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def manifest(config: Config) -> dict[str, Any]:
    """Return the manifest of a configuration's results."""
    return {
        "cell": config.model_dump(mode="json"),
        "server_step": config.server_step,
        "code": config_code(config),
        "versions": versions(),
        "machine": machine(),
        "dtype": config.dtype,
        "execution": EXECUTION,
    }


def config_code(config: Config) -> Code:
    """The code that decides this configuration's numbers."""
    family = config.build_family()
    code = code_of(type(family), type(config.build_algorithm()), tuple(family.modules))
    used = [f"{name}=={version(name)}" for name in family.packages if name not in RECORDED]
    return code | ({"packages": used} if used else {})


def decisive_versions(versions: Mapping[str, str]) -> dict[str, str]:
    """Those of `versions` that may change numbers."""
    python = ".".join(versions["python"].split(".")[:2])
    return {"python": python} | {name: versions[name] for name in DECISIVE if name in versions}


def differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same in two tables of facts, by name: then, now; None where it was none."""
    names = sorted({*then, *now})
    return {n: (then.get(n), now.get(n)) for n in names if then.get(n) != now.get(n)}


def _linear_algebra() -> str:
    """Kernels of NumPy's OpenBLAS, which round differently on processors of one name."""
    import numpy  # noqa: F401  # loads the library

    found = (lib for lib in threadpool_info() if lib["internal_api"] == "openblas")
    return " ".join(sorted({lib.get("architecture", "") for lib in found}))


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
