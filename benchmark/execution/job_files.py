"""A batch and its outcome as files for a job: JSON and plain arrays, which execute nothing."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import Failed, Finished
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.storage.provenance import run_key
from fedrl.benchmark.storage.sealed_npz import seal, unseal
from fedrl.envs.family import Array

REASON = "reason"  # the only array of a failed batch


def job_bytes(batch: Batch, checkpoints: Checkpoints | None) -> bytes:
    """Write a job as JSON, configurations as a manifest holds them."""
    told = {
        "runs": [
            [run.config.model_dump(mode="json"), run.seed.namespace, run.seed.index]
            for run in batch
        ],
        "checkpoints": checkpoints and [str(checkpoints.results), checkpoints.study],
        "key": run_key(batch[0]),
    }
    return json.dumps(told).encode()


def read_job(content: bytes) -> tuple[Batch, Checkpoints | None, str]:
    """A batch to compute, its checkpoints, and the first run's key as the login node computes it.

    Its configurations are validated as those of a study are.
    """
    told = json.loads(content)
    made = cache(lambda text: Config.model_validate(json.loads(text)))  # runs of a batch share them
    batch = [Run(made(json.dumps(config)), Seed(*seed)) for config, *seed in told["runs"]]
    place = told["checkpoints"]
    checkpoints = None if place is None else Checkpoints(Path(place[0]), place[1])
    return batch, checkpoints, told["key"]


def outcome_bytes(outcome: Finished | Failed) -> bytes:
    """Write columns, seconds and parameters of every run, or the reason of a failure."""
    if isinstance(outcome, Failed):
        return seal({REASON: np.asarray(outcome.reason)})
    arrays: dict[str, Array] = {}
    for number, (columns, seconds, parameters) in enumerate(outcome.results):
        arrays |= {f"{number}/seconds": seconds, f"{number}/parameters": parameters}
        for name, column in columns.items():
            words = column.dtype.kind == "O"
            arrays[f"{number}/columns/{name}"] = column.astype(str) if words else column
    return seal(arrays)


def read_outcome(content: bytes, batch: Batch) -> Finished | Failed:
    """The outcome of `batch`; ValueError where the file is damaged."""
    arrays = unseal(content)
    if REASON in arrays:
        return Failed(batch, str(arrays[REASON]))
    try:
        return _finished(arrays, batch)
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from None


def _finished(arrays: dict[str, Array], batch: Batch) -> Finished:
    results = []
    for number in range(len(batch)):
        start = f"{number}/columns/"
        columns = {
            name.removeprefix(start): column
            for name, column in arrays.items()
            if name.startswith(start)
        }
        seconds, theta = arrays[f"{number}/seconds"], arrays[f"{number}/parameters"]
        shapes = {column.shape for column in columns.values()}
        if not columns or shapes != {seconds.shape} or seconds.ndim != 1 or theta.ndim != 2:
            raise ValueError("its arrays do not fit together")
        results.append((columns, seconds, theta))
    return Finished(batch, results)
