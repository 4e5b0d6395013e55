"""What MLflow and Weights & Biases read back is what is stored, number by number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from test_cli import Answer
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore

from fedrl.benchmark.publishing.trackers.points import curves
from fedrl.benchmark.publishing.trackers.wandb import HOST

Fedrl = Callable[..., Answer]


def written(fedrl: Fedrl, computed: Path, to: str) -> int:
    """Writes the folder `mirror`; the number of runs that the command speaks of."""
    study, results = str(computed / "tiny.toml"), str(computed / "results")
    answer = fedrl("mirror", study, "--to", to, "--results", results, "--out", "mirror", "--json")
    return int(json.loads(answer.out)["runs"])


def expected(table: pd.DataFrame) -> dict[tuple[str, int], dict[str, list[tuple[int, float]]]]:
    """(cell, seed) → column → (round, value), where there is a value."""
    return {
        (str(cell), int(seed)): {
            name: list(zip(known["round"].tolist(), known[name].astype(float), strict=True))
            for name in curves(table)
            if len(known := points[points[name].notna()])
        }
        for (cell, seed), points in table.groupby(["cell", "seed"])
    }


def test_mlflow_reads_every_number_back(fedrl: Fedrl, computed: Path, table: pd.DataFrame) -> None:
    for _ in range(2):  # written again it is no longer than before
        assert written(fedrl, computed, "mlflow") == len(expected(table))
    assert [path.name for path in Path("mirror").iterdir()] == ["fedrl.db"]
    uri = f"sqlite:///{Path('mirror/fedrl.db').resolve()}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    assert experiment.name == table["study"].iloc[0]
    runs = client.search_runs([experiment.experiment_id])
    found = {}
    for run in runs:
        key = (run.data.params["cell"], int(run.data.params["seed"]))
        histories = {
            name: client.get_metric_history(run.info.run_id, name) for name in curves(table)
        }
        found[key] = {
            name: sorted((metric.step, metric.value) for metric in history)
            for name, history in histories.items()
            if history
        }
        rows = table[(table["cell"] == key[0]) & (table["seed"] == key[1])]
        assert run.data.params["algorithm"] == rows["algorithm"].iloc[0]
        assert float(run.data.params["kappa"]) == rows["kappa"].iloc[0]
        assert run.info.status == "FINISHED"
    assert len(runs) == len(found)
    assert found == expected(table)


def test_mlflow_finds_runs_by_their_settings(
    fedrl: Fedrl, computed: Path, table: pd.DataFrame
) -> None:
    written(fedrl, computed, "mlflow")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{Path('mirror/fedrl.db').resolve()}")
    places = [experiment.experiment_id for experiment in client.search_experiments()]
    algorithm = str(table["algorithm"].iloc[0])
    found = client.search_runs(places, f"params.algorithm = '{algorithm}'")
    own = table[table["algorithm"] == algorithm]
    assert len(found) == len(own.drop_duplicates(["cell", "seed"]))


def records(path: Path) -> list[Any]:
    """Everything in an offline run, by the reader of the library."""
    store, found = DataStore(), []
    store.open_for_scan(str(path))
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        found.append(record)
    return found


def test_wandb_reads_every_number_back(fedrl: Fedrl, computed: Path, table: pd.DataFrame) -> None:
    for _ in range(2):  # written again it replaces its runs
        assert written(fedrl, computed, "wandb") == len(expected(table))
    found = {}
    for path in Path("mirror").rglob("*.wandb"):
        held = records(path)
        (run,) = [record.run for record in held if record.WhichOneof("record_type") == "run"]
        assert run.project == table["study"].iloc[0]
        assert run.host == HOST
        config = {entry.key: json.loads(entry.value_json) for entry in run.config.update}
        key = (config["cell"], config["seed"])
        assert key not in found
        columns: dict[str, list[tuple[int, float]]] = {}
        for record in held:
            if record.WhichOneof("record_type") != "history":
                continue
            step = record.history.step.num
            for item in record.history.item:
                name = item.key or item.nested_key[0]
                if not name.startswith("_"):
                    columns.setdefault(name, []).append((step, json.loads(item.value_json)))
        found[key] = columns
    assert found == expected(table)
