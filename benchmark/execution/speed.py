"""Measuring training speed: environment steps per second, evaluation and compilation left out."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import BrokenBarrierError
from typing import Any, NamedTuple

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.limits import RUNS, check_count
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import SettingError, explained
from fedrl.benchmark.execution import processes
from fedrl.benchmark.execution.attempt import one_thread

LONGEST_WARM_UP = 600.0  # s that workers wait for each other


class Speed(NamedTuple):
    """One measurement."""

    real_steps_per_second: float  # environment steps that were taken
    lane_steps_per_second: float  # counting every episode as long as the horizon
    ms_per_local_step: float
    environment_steps: int
    seconds: float  # of the slowest worker


def measured_config(**settings: Any) -> Config:
    """The configuration to train; evaluation, which is off the clock, is as short as possible."""
    with explained():
        config = Config(**settings, evaluate_every=settings["rounds"] + 1, evaluation_episodes=1)
    return config


def measure(config: Config, seeds: int, workers: int | None = None) -> Speed:
    """Train `config` with seeds 0..seeds-1 shared over workers that start together."""
    check_count(seeds, RUNS, "seeds is", "give fewer")
    workers = min(processes.default_workers() if workers is None else workers, seeds)
    shares = [range(first, seeds, workers) for first in range(workers)]
    context = get_context("spawn")
    barrier = context.Barrier(workers)
    with (
        processes.single_thread_environment(),
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=_wait_at, initargs=(barrier,)
        ) as pool,
    ):
        measured = list(pool.map(_train, [config] * workers, shares))
    seconds = max(entry[0] for entry in measured)
    steps = sum(entry[1] for entry in measured)
    local_steps = config.rounds * config.local_steps
    padded = (
        seeds * config.agents * config.episodes * config.build_algorithm().batches
        * config.build_family().horizon * local_steps
    )  # fmt: skip
    return Speed(steps / seconds, padded / seconds, 1e3 * seconds / local_steps, steps, seconds)


_barrier: Any = None  # of this worker process


def _wait_at(barrier: Any) -> None:
    global _barrier
    processes.end_with_parent()
    _barrier = barrier


def _train(config: Config, seeds: Sequence[int]) -> tuple[float, int]:
    """Seconds of training and environment steps of these seeds."""
    from fedrl.benchmark.training.federation import train

    runs = [Run(config, Seed("test", index)) for index in seeds]
    warm = Config.model_validate(config.model_dump() | {"rounds": 1})
    try:
        with one_thread():
            train([run._replace(config=warm) for run in runs])
            _barrier.wait(LONGEST_WARM_UP)
            results = train(runs)
    except BrokenBarrierError:
        raise RuntimeError("another worker failed during the warm-up") from None
    except BaseException:
        _barrier.abort()
        raise
    steps = sum(int(result.columns["steps_total"][-1]) for result in results)
    if any(result.columns["diverged"][-1] for result in results):
        raise SettingError("a run diverged, so its speed means nothing; choose a smaller step size")
    return sum(float(result.seconds[-1]) for result in results), steps
