"""Estimate the cost of tuning before it is done."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.spaces.parameter import sized
from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.execution.batches import cut
from fedrl.benchmark.execution.estimate import START_SECONDS, Size, size
from fedrl.benchmark.tuning.task import Task


class Cost(NamedTuple):
    """Upper bounds: every episode lasts the horizon, nothing is stored, K and B stay."""

    study: str
    tasks: int
    trials: int  # of all tasks
    runs: int
    training_steps: int
    evaluation_steps: int
    workers: int
    seconds: float


def cost_of(
    study: str, tasks: Sequence[Task], protocol: Protocol, repeats: int, workers: int
) -> Cost:
    """Add up the cost of all tasks and repetitions."""
    whole = _size(tasks, protocol, workers)
    waves = {
        depth: max(len(protocol.waves(t.space)) for t in tasks if t.depth == depth)
        for depth in {task.depth for task in tasks}
    }
    batches = repeats * sum(count + 1 for count in waves.values())
    return Cost(
        study,
        len(tasks),
        sum(trials_of(task, protocol) for task in tasks),
        repeats * whole.runs,
        repeats * whole.training_steps,
        repeats * whole.evaluation_steps,
        workers,
        round(batches * START_SECONDS + repeats * whole.worker_seconds / workers, 1),
    )


def rows(tasks: Sequence[Task], protocol: Protocol) -> list[dict[str, Any]]:
    """Every task with its search space and the cost of one tuner."""
    return [
        {
            "task": task.label,
            "space": {p.name: p.words for p in task.space},
            "size": sized(task.space),
            "trials": trials_of(task, protocol),
            "budget": task.base.budget,
            "budget_derived": task.derived,
            "training_steps": _size([task], protocol, 1).training_steps,
        }
        for task in tasks
    ]


def trials_of(task: Task, protocol: Protocol) -> int:
    """Trials of one tuner, with starts from what the algorithm contains."""
    return protocol.trials_of(task.space) + len(task.contained)


def _size(tasks: Sequence[Task], protocol: Protocol, workers: int) -> Size:
    runs = []
    for task in tasks:
        trials = trials_of(task, protocol)
        finalists = min(protocol.finalists + len(task.contained), trials)
        seeds = [s for s in protocol.tune_seeds(0) for _ in range(trials)]
        seeds += [s for s in protocol.selection_seeds(0) for _ in range(finalists)]
        runs += [Run(task.base, seed) for seed in seeds]
    return size(cut(runs, workers))
