"""Shared by all tests: one thread, so that numbers do not depend on the machine's cores."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest

from fedrl.__main__ import GARBAGE

gc.set_threshold(GARBAGE)  # as the command does
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray starves its workers on a busy machine


# Files that take longest and would start last: a worker would be alone with one at the end.
LONG = (
    "test_published_studies.py",
    "test_sensitivity_page.py",
    "test_report.py",
    "test_docs.py",
    "test_kills.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Whoever only hands tests to other processes (-n) runs none and needs no torch."""
    if not config.getoption("numprocesses", None):
        import torch

        torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files start first; within a file, and among the others, the order stays."""
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_collection_finish() -> None:
    """What has been imported stays: no search for garbage looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def undrawn() -> Iterator[None]:
    """Figures are sketches, for tests of tables, words and files."""
    from sketches import sketches

    with sketches():
        yield


@pytest.fixture(autouse=True)
def _only_what_is_registered() -> Iterator[None]:
    """What a test has checked by its path `module:Class` is forgotten after it."""
    yield
    registry = sys.modules.get("fedrl.benchmark.config.registry")
    for known in () if registry is None else (registry.families, registry.algorithms):
        if any(":" in name for name in known()):
            known.cache_clear()
