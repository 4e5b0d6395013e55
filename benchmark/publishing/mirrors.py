"""Stored runs in the formats of other viewers. The store stays what counts; nothing here is read.

A mirror is a function (tidy table, folder). It needs optional packages, the extra of its name.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fedrl.benchmark.publishing.trackers.mlflow import mlflow
from fedrl.benchmark.publishing.trackers.tensorboard import tensorboard
from fedrl.benchmark.publishing.trackers.wandb import wandb
from fedrl.benchmark.storage.files import StoreError, explaining
from fedrl.envs.validation import nearest

MIRRORS: dict[str, Callable[[Any, Path], list[Path]]] = {
    "mlflow": mlflow,
    "tensorboard": tensorboard,
    "wandb": wandb,
}
MORE = {"mlflow": ("sqlalchemy", "alembic")}  # packages beside that of its name


def mirror(frame: Any, to: str, out: Path) -> list[Path]:
    """The files that were written; StoreError names the extra that is missing."""
    if to not in MIRRORS:
        raise StoreError(nearest("mirror", to, list(MIRRORS)))
    missing = [package for package in (to, *MORE.get(to, ())) if find_spec(package) is None]
    if missing:
        raise StoreError(
            f"--to {to} needs the package {missing[0]}: pip install '.[{to}]' in a clone, with "
            "-c constraints.txt for the version it is tested with"
        )
    with explaining(f"cannot write to {out}"):
        return MIRRORS[to](frame, out)
