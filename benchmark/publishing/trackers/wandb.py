"""Weights & Biases: offline runs, which `wandb sync` can send to a server later."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from fedrl.benchmark.publishing.trackers.points import STEP, numbers, shown

HOST = "fedrl"  # instead of the machine's name, which is nobody's business


def wandb(frame: Any, out: Path) -> list[Path]:
    """out/wandb/offline-run-<time>-<id>/run-<id>.wandb: one per config and seed, steps are rounds.

    The id follows from study, config and seed: a mirror written again replaces its runs, and a
    server that has one knows it again. Nothing is sent, and the machine is not named.
    """
    import wandb as client

    out.mkdir(parents=True, exist_ok=True)
    written = []
    for run in shown(frame):
        study = str(run.settings["study"])
        key = hashlib.sha256(f"{study}/{run.config}/{run.seed}".encode()).hexdigest()[:16]
        for earlier in (out / "wandb").glob(f"offline-run-*-{key}"):
            shutil.rmtree(earlier)
        mirrored = client.init(
            **{"project": study, "id": key, "name": run.name, "group": run.config, "dir": str(out)},
            mode="offline",
            config=_plain(run.settings),
            settings=client.Settings(
                silent=True,
                host=HOST,
                console="off",
                disable_git=True,
                disable_code=True,
                disable_job_creation=True,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
            ),
        )
        for point in run.points:
            mirrored.log(numbers(point, run.columns), step=int(point[STEP]))
        mirrored.finish()
        written += sorted((out / "wandb").glob(f"offline-run-*-{key}/run-{key}.wandb"))
    return written


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Numbers of Python instead of NumPy's."""
    return {k: v.item() if hasattr(v, "item") else v for k, v in settings.items()}
