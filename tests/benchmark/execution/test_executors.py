"""Laws of executors: wherever a study is computed, the same files appear, and nothing twice."""

from __future__ import annotations

import importlib.metadata
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedrl import run_study
from fedrl.benchmark.execution.executors import GROUP, ExecutorError, find

TEXT = """
title = "Tiny"
seeds = 8
[settings]
rounds = 20
agents = 2
local_steps = 2
[families.random-mdp]
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
RUNS = 2 * 8
WORKERS = 4  # at a time, on two CPUs: some tasks wait for a place

ELSEWHERE = """
from fedrl.benchmark.execution.executors import Executor
from fedrl.benchmark.execution.attempt import Started, attempt, one_thread

class Backwards(Executor):
    def default_workers(self):
        return 3

    def __call__(self, queue, workers, listener, checkpoints):
        with one_thread():
            while queue:
                batch = queue.pop()
                listener(Started(batch))
                listener(attempt(batch, listener, checkpoints))
        open(self.address, "w").write(str(workers))
"""


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TEXT)


def results(folder: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and "seconds" not in path.name
    }


def run_locally() -> dict[str, bytes]:
    assert run_study("tiny.toml", results="local", workers=1).complete
    return results("local")


def test_another_package_can_bring_an_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "elsewhere-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[fedrl.executors]\nbackwards = elsewhere_executor:Backwards\nlost = absent:Executor\n"
    )
    (package.parent / "elsewhere_executor.py").write_text(ELSEWHERE)
    monkeypatch.syspath_prepend(package.parent)
    summary = run_study("tiny.toml", results="there", executor="backwards", address="workers")
    assert summary.complete
    assert Path("workers").read_text() == "3"
    assert results("there") == run_locally()
    with pytest.raises(ExecutorError, match="no executor 'bakwards'; did you mean 'backwards'"):
        find("bakwards")
    with pytest.raises(ExecutorError, match="'lost' needs the package 'absent'"):
        find("lost")


def test_an_unknown_executor_names_the_nearest() -> None:
    with pytest.raises(ExecutorError, match="no executor 'lcal'; did you mean 'local'"):
        run_study("tiny.toml", executor="lcal")
    assert not Path("results").exists()


def test_an_address_means_nothing_to_this_machine() -> None:
    with pytest.raises(ExecutorError, match="--executor ray"):
        run_study("tiny.toml", address="10.0.0.1:6379")


def test_ray_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    monkeypatch.delitem(
        __import__("sys").modules, "fedrl.benchmark.execution.ray_executor", raising=False
    )
    with pytest.raises(ExecutorError, match=r"pip install .*\[ray\]"):
        find("ray")


# --- ray ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without CPUs and two nodes of one CPU, each with processes of its own."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        nodes.add_node(num_cpus=1)
    yield nodes
    nodes.shutdown()


def logged(folder: Path) -> Any:
    """`compute_batch` that logs on the nodes; where `victim` names the node, it never returns."""
    from fedrl.benchmark.execution import ray_executor

    original = ray_executor.compute_batch

    def compute_batch(batch: Any, *more: Any) -> Any:
        import ray

        node = ray.get_runtime_context().get_node_id()
        runs = [f"{run.config.algorithm}:{run.seed.index}" for run in batch]
        with (folder / "log").open("a") as log:
            log.writelines(f"start {node} {run}\n" for run in runs)
        outcome = original(batch, *more)
        while (folder / "victim").exists() and (folder / "victim").read_text() == node:
            time.sleep(0.1)  # trained, and lost with the node
        with (folder / "log").open("a") as log:
            log.writelines(f"end {node} {run}\n" for run in runs)
        return outcome

    return compute_batch


def lines(folder: Path) -> list[list[str]]:
    log = folder / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def kill_a_node(cluster: Any, folder: Path) -> None:
    """The first node that has finished a batch dies while it computes another one."""
    nodes = {node.node_id: node for node in cluster.worker_nodes}
    while not (ended := [node for what, node, _ in lines(folder) if what == "end"]):
        time.sleep(0.05)
    (folder / "new").write_text(ended[0])
    (folder / "new").rename(folder / "victim")
    while True:  # until it has begun what it will not end
        mine = Counter(what for what, node, _ in lines(folder) if node == ended[0])
        if mine["start"] > mine["end"]:
            time.sleep(0.5)
            cluster.remove_node(nodes[ended[0]], allow_graceful=False)
            return
        time.sleep(0.05)


@pytest.mark.long
def test_a_node_with_other_code_is_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from fedrl.benchmark.execution import ray_executor

    monkeypatch.setattr(ray_executor, "run_key", lambda run: "another")
    monkeypatch.setattr(ray_executor, "versions", lambda: {"numpy": "1.0"})
    with pytest.raises(ExecutorError, match=r"other numbers .*numpy 1\.0 here, .* there"):
        run_study("tiny.toml", executor="ray", address=cluster.address)
    assert not list(Path("results").rglob("*.parquet"))


@pytest.mark.long
def test_an_address_where_nobody_answers_is_refused_soon() -> None:
    pytest.importorskip("ray")
    start = time.monotonic()
    for address, reason in (("127.0.0.1:1", "cannot connect"), ("ray://head:1", "host:port")):
        with pytest.raises(ExecutorError, match=reason):
            run_study("tiny.toml", executor="ray", address=address)
    assert time.monotonic() - start < 10
    assert not Path("results").exists()


@pytest.mark.long
def test_a_killed_node_costs_only_its_unfinished_runs(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fedrl.benchmark.execution import ray_executor

    monkeypatch.setattr(ray_executor, "compute_batch", logged(tmp_path))
    killer = threading.Thread(target=kill_a_node, args=(cluster, tmp_path), daemon=True)
    killer.start()
    summary = run_study(
        "tiny.toml", results="ray", workers=WORKERS, executor="ray", address=cluster.address
    )
    killer.join()
    assert (summary.finished, summary.failed) == (RUNS, [])
    assert results("ray") == run_locally()

    victim = (tmp_path / "victim").read_text()
    starts = Counter(run for what, _, run in lines(tmp_path) if what == "start")
    ends = Counter(run for what, _, run in lines(tmp_path) if what == "end")
    on_victim = Counter(run for _, node, run in lines(tmp_path) if node == victim)
    lost = {run for run, count in on_victim.items() if count == 1}  # begun there, never ended
    assert lost
    assert len(on_victim) > len(lost)  # what it had finished before counts
    assert ends == Counter(dict.fromkeys(starts, 1))
    assert starts == Counter({run: 1 + (run in lost) for run in ends})


def test_an_entry_point_cannot_take_a_known_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose executor would run must never depend on what else is installed."""
    point = importlib.metadata.EntryPoint("local", "another.package:Thing", GROUP)
    monkeypatch.setattr("fedrl.benchmark.config.registry.entry_points", lambda group: [point])
    with pytest.raises(ExecutorError, match="has the name of a known entry; rename it"):
        find("ray")
