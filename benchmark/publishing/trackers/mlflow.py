"""MLflow: one SQLite file, without a server."""

import logging
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from fedrl.benchmark.publishing.trackers.points import STEP, Shown, numbers, seconds, shown

FILE = "fedrl.db"
AT_ONCE = 1000  # metrics that MLflow takes in one call, and ten times as many parameters


def mlflow(frame: Any, out: Path) -> list[Path]:
    """out/fedrl.db: an experiment per study, a run per configuration and seed, a metric per column.

    Times are milliseconds from the start of the run, steps are rounds, settings are parameters.
    The file is written beside and then moved, so an earlier one is replaced whole or not at all.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    for noisy in ("alembic", "mlflow"):  # migrations of a new file, told step by step
        logging.getLogger(noisy).setLevel(logging.WARNING)
    out.mkdir(parents=True, exist_ok=True)
    # MLflow keeps what it knows of an address, so every file it writes needs one of its own
    beside, target = out / f".{FILE}.{uuid4().hex}", out / FILE
    client = MlflowClient(tracking_uri=f"sqlite:///{beside.resolve()}")
    experiments: dict[str, str] = {}
    for run in shown(frame):
        study = str(run.settings["study"])
        if study not in experiments:
            where = (out / "artifacts").resolve().as_uri()
            experiments[study] = client.create_experiment(study, artifact_location=where)
        _write(client, experiments[study], run)
    beside.replace(target)
    return [target]


def _write(client: Any, experiment: str, run: Shown) -> None:
    from mlflow.entities import Metric, Param

    started = client.create_run(experiment, start_time=0, run_name=run.name)
    key = started.info.run_id
    client.log_batch(key, params=[Param(k, str(v)) for k, v in run.settings.items()])
    metrics = [
        Metric(name, value, round(1000 * seconds(point)), int(point[STEP]))
        for point in run.points
        for name, value in numbers(point, run.columns).items()
    ]
    for first in range(0, len(metrics), AT_ONCE):
        client.log_batch(key, metrics=metrics[first : first + AT_ONCE])
    client.set_terminated(key, end_time=round(1000 * seconds(run.points[-1])))
