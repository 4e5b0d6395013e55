"""The protocol: waves of trials on tune seeds, finalists on select seeds, one winner per task.

Tasks advance together, so that a wave of all of them is one batch, but none knows of another: what
is proposed and chosen for a task depends on its own trials only.
"""

from collections.abc import Callable, Iterable, Sequence

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.parameter import Values
from fedrl.benchmark.config.protocol import Protocol
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.sampler import FinishedTrial, propose
from fedrl.benchmark.tuning.task import Task
from fedrl.benchmark.tuning.trial import Key, Trial, Tuned, best, key_of, runs_of

Evaluate = Callable[[str, Iterable[Run]], dict[Key, Outcome]]
Listen = Callable[[Sequence[Tuned]], None]  # hears all trials so far after every wave


def tune(
    tasks: Sequence[Task], protocol: Protocol, tuner: int, evaluate: Evaluate, listen: Listen
) -> list[Tuned]:
    """Tune every task; `evaluate` gives outcomes of runs, whether they were stored or not."""
    found: list[Tuned] = [Tuned(task, tuner, (), ()) for task in tasks]
    waves = protocol.waves()
    for wave, size in enumerate(waves):
        proposals = [_proposals(one, size, one.task.seed(tuner, wave)) for one in found]
        title = f"tuner {tuner}, wave {wave + 1} of {len(waves)}"
        seeds = protocol.tune_seeds(tuner)
        batches = [
            _tried(one.task, values, len(one.trials), seeds, outcomes)
            for outcomes in [evaluate(title, _runs(found, proposals, seeds))]
            for one, values in zip(found, proposals, strict=True)
        ]
        found = [
            one._replace(trials=(*one.trials, *more))
            for one, more in zip(found, batches, strict=True)
        ]
        listen(found)
    found = _selected(found, protocol, evaluate)
    listen(found)
    return found


def _selected(found: list[Tuned], protocol: Protocol, evaluate: Evaluate) -> list[Tuned]:
    """The finalists of every task on the select seeds, the best first."""
    finalists = [_finalists(one.trials, protocol.finalists) for one in found]
    values = [[trial.values for trial in trials] for trials in finalists]
    tuner = found[0].tuner
    seeds = protocol.selection_seeds(tuner)
    outcomes = evaluate(f"tuner {tuner}, selection", _runs(found, values, seeds))
    selected = []
    for one, trials in zip(found, finalists, strict=True):
        again = [
            Trial(t.number, t.values, _outcomes(one.task, t.values, seeds, outcomes))
            for t in trials
        ]
        selected.append(one._replace(finalists=tuple(best(again))))
    return selected


def _finalists(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The best with different values: whole numbers may have been proposed twice."""
    different: dict[str, Trial] = {}
    for trial in best(trials):
        different.setdefault(repr(sorted(trial.values.items())), trial)
    return list(different.values())[:count]


def _proposals(one: Tuned, size: int, seed: int) -> list[Values]:
    told = [FinishedTrial(trial.values, trial.score) for trial in one.trials]
    return propose(one.task.space, one.task.own, told, size, seed)


def _runs(
    found: Sequence[Tuned], proposals: Sequence[Sequence[Values]], seeds: Sequence[Seed]
) -> list[Run]:
    return [
        run
        for one, several in zip(found, proposals, strict=True)
        for values in several
        for run in runs_of(one.task, values, seeds)
    ]


def _tried(
    task: Task,
    several: Sequence[Values],
    first: int,
    seeds: Sequence[Seed],
    outcomes: dict[Key, Outcome],
) -> list[Trial]:
    return [
        Trial(first + place, values, _outcomes(task, values, seeds, outcomes))
        for place, values in enumerate(several)
    ]


def _outcomes(
    task: Task, values: Values, seeds: Sequence[Seed], outcomes: dict[Key, Outcome]
) -> tuple[Outcome, ...]:
    return tuple(outcomes[key_of(run)] for run in runs_of(task, values, seeds))
