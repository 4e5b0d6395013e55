"""Federated reinforcement learning benchmarks: `run_study` computes, `load_records` reads.

>>> from fedrl import ALGORITHMS, FAMILIES
>>> sorted(ALGORITHMS)[:2], "cartpole" in FAMILIES
(['afedpg', 'agnostic-pg'], True)
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedrl.algorithms import ALGORITHMS
    from fedrl.benchmark.execution.execution import run_study
    from fedrl.benchmark.publishing.records import load_records
    from fedrl.envs import FAMILIES
    from fedrl.reports import write_report
    from fedrl.reports.table.resampling import resample

__all__ = ["ALGORITHMS", "FAMILIES", "load_records", "resample", "run_study", "write_report"]

# A wheel holds the packages below this one; in a checkout they are the folders beside it.
_checkout = Path(__file__).parents[1]
if (_checkout / "benchmark" / "training").is_dir():
    __path__.append(str(_checkout))


def _writable(place: Path) -> bool:
    """Whether a folder can be written to, or made."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK | os.X_OK)


# numba refuses to compile what it can keep nowhere: beside the source or at home. What it compiles
# is code, so that no other user may have a hand in the folder: mkdtemp sees to that.
_home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
_kept = (_checkout / "benchmark", Path(__file__).parent, _home)
if "NUMBA_CACHE_DIR" not in os.environ and not any(map(_writable, _kept)):
    # Imported here only: Ctrl-C during an import of this file would be a traceback.
    import atexit
    import shutil
    import tempfile

    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="fedrl-")
    atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)

# Imported when first used: the command line starts without torch.
_HOMES = {
    "ALGORITHMS": "fedrl.algorithms",
    "FAMILIES": "fedrl.envs",
    "load_records": "fedrl.benchmark.publishing.records",
    "resample": "fedrl.reports.table.resampling",
    "run_study": "fedrl.benchmark.execution.execution",
    "write_report": "fedrl.reports",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fedrl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
