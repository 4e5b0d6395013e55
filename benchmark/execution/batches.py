"""Cutting a study into batches of runs that are computed together by one worker.

Results do not depend on the cut: a run's numbers are a function of the run alone.
"""

from collections.abc import Iterable

import numpy as np

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.execution.estimate import work

LANES = 256  # runs × agents of one batch; more gain little speed and cost memory
SHARES = 2  # batches per worker, at least, so that no worker waits long at the end

Batch = list[Run]


def cut(runs: Iterable[Run], workers: int) -> list[Batch]:
    """Batches of runs with equal programs: the longest of every family, then the others by length.

    Whoever is first in a family compiles its kernels; workers that begin with different families do
    not compile the same ones.
    """
    alike: dict[str, Batch] = {}
    for run in runs:
        alike.setdefault(run.config.program, []).append(run)
    cost = {program: work(batch[0].config).seconds for program, batch in alike.items()}
    total = sum(cost[program] * len(batch) for program, batch in alike.items())
    longest = total / (SHARES * workers)
    batches = []
    for program, batch in alike.items():
        most = min(
            LANES // batch[0].config.agents,
            int(longest / cost[program]) if cost[program] else LANES,
        )
        batches += [(cost[program] * len(part), part) for part in _parts(batch, max(1, most))]
    ordered = [batch for _, batch in sorted(batches, key=lambda entry: -entry[0])]
    families = [batch[0].config.family for batch in ordered]
    first = [families.index(family) == place for place, family in enumerate(families)]
    return [ordered[place] for place in sorted(range(len(ordered)), key=lambda p: not first[p])]


def _parts(batch: Batch, most: int) -> list[Batch]:
    """Parts of nearly equal size, none larger than `most`."""
    places = np.array_split(range(len(batch)), -(-len(batch) // most))
    return [[batch[place] for place in part] for part in places]
