"""The protocol: waves of trials on tune seeds, finalists on select seeds, one winner per task.

Tasks of one depth advance together, so that a wave of all of them is one batch, but none knows of
another that it does not contain: what is proposed and chosen for a task depends on its own trials
and on the winners of the algorithms that its own contains, from which it starts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.spaces.parameter import Values
from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.config.spaces.search_space import own_values
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.sampler import FinishedTrial, propose
from fedrl.benchmark.tuning.task import Task
from fedrl.benchmark.tuning.trial import Key, Trial, Tuned, best, runs_of

Evaluate = Callable[[str, Iterable[Run]], dict[Key, Outcome]]
Listen = Callable[[Sequence[Tuned]], None]  # hears all trials so far after every wave


def tune(
    tasks: Sequence[Task], protocol: Protocol, tuner: int, evaluate: Evaluate, listen: Listen
) -> list[Tuned]:
    """Tune every task; `evaluate` gives outcomes of runs, whether they were stored or not.

    What a task contains must be among the tasks.
    """
    done: dict[str, Tuned] = {}
    for depth in sorted({task.depth for task in tasks}):
        here = [task for task in tasks if task.depth == depth]
        for one in _tuned(here, protocol, tuner, evaluate, listen, done):
            done[one.task.id] = one
    return [done[task.id] for task in tasks]


def _tuned(
    tasks: Sequence[Task],
    protocol: Protocol,
    tuner: int,
    evaluate: Evaluate,
    listen: Listen,
    done: Mapping[str, Tuned],
) -> list[Tuned]:
    found: list[Tuned] = [Tuned(task, tuner, (), ()) for task in tasks]
    schedule = list(zip_longest(*(protocol.waves(task.space) for task in tasks), fillvalue=0))
    for wave, sizes in enumerate(schedule):
        proposed = [
            _proposed(one, size, one.task.seed(tuner, wave), done)
            for one, size in zip(found, sizes, strict=True)
        ]
        title = f"tuner {tuner}, wave {wave + 1} of {len(schedule)}"
        tried = _tried(found, proposed, protocol.tune_seeds(tuner), title, evaluate)
        found = [
            one._replace(trials=(*one.trials, *more))
            for one, more in zip(found, tried, strict=True)
        ]
        listen([*done.values(), *found])
    found = _selected(found, protocol, evaluate)
    listen([*done.values(), *found])
    return found


def starts(task: Task, done: Mapping[str, Tuned]) -> list[tuple[Values, str]]:
    """The winners of the algorithms that the task's own contains, in its own hyperparameters."""
    found = []
    for one in task.contained:
        values = own_values(task.base, task.space)
        if one.task is not None:
            other = done[one.task.id]
            if other.mistake or not set(other.winner.values) <= set(values):
                continue
            values |= other.winner.values
        found.append((values | one.values, one.algorithm))
    return found


def _selected(found: list[Tuned], protocol: Protocol, evaluate: Evaluate) -> list[Tuned]:
    """The finalists of every task on the select seeds, the best first; none where none is sound."""
    finalists = [_finalists(one, protocol.finalists) for one in found]
    tuner = found[0].tuner
    seeds = protocol.selection_seeds(tuner)
    again = _tried(found, finalists, seeds, f"tuner {tuner}, selection", evaluate)
    return [
        one._replace(finalists=tuple(best([trial for trial in trials if trial.sound])))
        for one, trials in zip(found, again, strict=True)
    ]


def _finalists(one: Tuned, count: int) -> list[Trial]:
    """The best with different values, and the winners of what the algorithm contains."""
    if one.is_flat:
        return []
    # The same values may have been proposed twice: whole numbers, or what the study has itself and
    # a contained algorithm's tuning chose; that they are its winner is not forgotten then.
    different: dict[str, Trial] = {}
    for trial in best([trial for trial in one.trials if trial.sound]):
        values = repr(sorted(trial.values.items()))
        if values not in different or trial.of:
            different[values] = trial
    ranked = list(different.values())
    return [*ranked[:count], *(trial for trial in ranked[count:] if trial.of)]


def _proposed(one: Tuned, size: int, seed: int, done: Mapping[str, Tuned]) -> list[Trial]:
    """The trials of the next wave, without outcomes yet."""
    if not size:
        return []
    task = one.task
    told = [
        FinishedTrial(task.point(trial.values), trial.score)
        for trial in one.trials
        if task.holds(trial.values)
    ]
    points = propose(task.space, task.own, told, size, seed)
    first = [] if one.trials else starts(task, done)
    wave = [*((task.values(point), "") for point in points), *first]
    return [
        Trial(number, values, (), of) for number, (values, of) in enumerate(wave, len(one.trials))
    ]


def _tried(
    found: Sequence[Tuned],
    trials: Sequence[Sequence[Trial]],
    seeds: Sequence[Seed],
    title: str,
    evaluate: Evaluate,
) -> list[list[Trial]]:
    """The trials of every task with their outcomes under these seeds; all runs are one batch."""
    runs = [
        [runs_of(one.task, trial.values, seeds) for trial in several]
        for one, several in zip(found, trials, strict=True)
    ]
    outcomes = evaluate(title, [run for several in runs for own in several for run in own])
    return [
        [
            trial._replace(outcomes=tuple(outcomes[run.key] for run in own))
            for trial, own in zip(several, theirs, strict=True)
        ]
        for several, theirs in zip(trials, runs, strict=True)
    ]
