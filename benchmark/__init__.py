"""Federated reinforcement learning benchmarks: `run_study` computes, `load_records` reads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.execution import run_study
    from benchmark.records import load_records

__all__ = ["load_records", "run_study"]

# Imported when first used: the command line starts without torch.
_HOMES = {"run_study": "benchmark.execution", "load_records": "benchmark.records"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
