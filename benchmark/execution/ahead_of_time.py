"""Compiling what a study needs before it runs: for container images, and for many workers at once.

Kernels are compiled when they are first called, so a round of every program is computed, as in a
study, and thrown away.
"""

from collections import deque
from collections.abc import Callable, Iterable

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.execution.attempt import Event, Failed, Finished, Started
from fedrl.benchmark.execution.batches import cut
from fedrl.benchmark.execution.workers import compute

# As little as can be computed; what is compiled does not depend on it.
SHORT = {
    "rounds": 1,
    "budget": None,
    "evaluation_episodes": 1,
    "initial_episodes": 1,
    "snapshot_episodes": 1,
}
TOGETHER = 2  # runs of a program: arrays of one run may be of another layout


def first_rounds(runs: Iterable[Run]) -> list[Run]:
    """A round of a few runs of every program."""
    short: dict[str, list[Run]] = {}
    configs: dict[str, Config] = {}
    for run in runs:
        key = run.config.id
        if key not in configs:
            configs[key] = Config.model_validate(run.config.model_dump() | SHORT)
        alike = short.setdefault(configs[key].program, [])
        if len(alike) < TOGETHER:
            alike.append(run._replace(config=configs[key]))
    return [run for alike in short.values() for run in alike]


def compile_kernels(
    runs: Iterable[Run], workers: int, tell: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Compile the kernels of these runs by several processes: how many programs, and what failed.

    `tell` hears how far it is. Nothing is kept but what numba writes into its cache.
    """
    queue = deque(cut(first_rounds(runs), workers))
    left = [batch[0].config.program for batch in queue]
    programs = len(set(left))
    failed: dict[str, str] = {}

    def hear(event: Event) -> None:
        config = event.batch[0].config
        what = f"{config.algorithm} on {config.family}"
        if isinstance(event, Started):
            tell(what)
        if isinstance(event, Failed):
            failed[config.program] = f"{what}: {event.reason}"
        if isinstance(event, Finished | Failed):
            left.remove(config.program)
            tell(f"{programs - len(set(left))} of {programs} programs")

    compute(queue, workers, hear)
    return programs, list(failed.values())
