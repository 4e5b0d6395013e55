"""Sentences that follow from the numbers, and do not go beyond them."""

from collections.abc import Sequence

import numpy as np

from fedrl.reports.comparison.paired import paired_steps, shared_seeds
from fedrl.reports.comparison.scores import of_seeds
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import hypotheses
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.sample_complexity import Reached, has_targets
from fedrl.reports.table.specification import Specification


def told_epsilon(reached: Sequence[Reached]) -> float | None:
    """The hardest ε that some series hits in half of its runs or more, at every κ; or at some."""
    by_kappa = [
        {i.epsilon for i in reached if i.kappa == kappa and 2 * i.seen.hits >= i.runs}
        for kappa in sorted({item.kappa for item in reached})
    ]
    everywhere = set.intersection(*by_kappa) if by_kappa else set()
    return min(everywhere or set().union(*by_kappa), default=None)


def sentences(family: Family, reached: Sequence[Reached], spec: Specification) -> list[str]:
    """Who needed fewest steps at each κ and N, then who scored best in the end."""
    epsilon = told_epsilon(reached)
    speed = [_speed(family, reached, panel, epsilon, spec) for panel in family.panels]
    return speed + [_final(family, kappa, agents, spec) for kappa, agents in family.panels]


def _speed(
    family: Family,
    reached: Sequence[Reached],
    panel: tuple[float, int | None],
    epsilon: float | None,
    spec: Specification,
) -> str:
    here = [i for i in reached if (i.kappa, i.series.agents) == panel]
    at = f"At {fm.panel(*panel)},"
    if not here and has_targets(family.at(panel[0])):
        return f"{at} every target was met before training."
    if not here:
        return f"{at} no score is above the random policy, so no target is defined."
    easiest = max(item.epsilon for item in here)
    known = epsilon in {item.epsilon for item in here}
    told = [item for item in here if item.epsilon == (epsilon if known else easiest)]
    share = fm.percent(round(1 - told[0].epsilon, 6))
    end = "the reference" if family.has_scale(panel[0]) else "the best run of this study"
    goal = f"{share} of the way from the random policy to {end}"
    ranked = sorted(told, key=lambda item: (item.mean.value, item.series))
    first, hits = ranked[0], sum(item.seen.hits for item in told)
    runs = sum(item.runs for item in told)
    if not hits:
        return f"{at} none of {runs} runs reached {goal}."
    opening = f"{at} {hits} of {runs} runs reached {goal}."
    if first.mean.value >= first.budget:
        return f"{opening[:-1]}, none within the common budget of {fm.number(first.budget)}."
    if len(ranked) == 1:
        return f"{opening} {first.series.spoken} needed {_cost(first)}."
    said = f"{opening} {first.series.spoken} needed fewest steps per agent, {_cost(first)}"
    rival = f"{ranked[1].series.spoken}, {_cost(ranked[1])}"
    if not any(item.seen.hits for item in ranked[1:]):
        return f"{said}; nothing else reached it."
    if first.runs < 2:
        return f"{said}, before {rival}; with one seed this is one draw."
    effects = [_times_the_steps(item, first, spec) for item in ranked[1:]]
    names = [i.series.spoken for i, (_, told) in zip(ranked[1:], effects, strict=True) if not told]
    ratio = f"{ranked[1].series.spoken} needs {fm.estimated(effects[0][0], 2)} times its steps"
    if not names:
        return f"{said}; within seeds {ratio}, and it is ahead of every other."
    return f"{said}; within seeds {ratio}, and its lead over {fm.listed(names, 3)} is not settled."


def _cost(item: Reached) -> str:
    """Restricted mean with interval and the censored runs."""
    censored = f"{item.censored} of {item.runs} censored"
    return f"{fm.estimated(item.mean)} within a budget of {fm.number(item.budget)} ({censored})"


def _times_the_steps(
    item: Reached, first: Reached, spec: Specification
) -> tuple[st.Estimate, bool]:
    """Its restricted mean over the first's, within seeds, and whether that is more than chance."""
    pairs = paired_steps(item, first)
    if not len(pairs):
        return st.UNKNOWN, False
    ratio = hypotheses.ratio_of_means(pairs[:, 0], pairs[:, 1], **spec.bootstrap)
    return ratio, hypotheses.told_apart(ratio, 1, len(pairs))


def _final(family: Family, kappa: float, agents: int | None, spec: Specification) -> str:
    here = family.among(kappa, agents)
    groups = [(s, family.at(kappa, s)) for s in sorted({run.series for run in here})]
    found = [(of_seeds([run.final for run in runs], spec), series) for series, runs in groups]
    found.sort(key=lambda pair: (-pair[0].value, pair[1]))
    best, series = found[0]
    seeds = family.at(kappa, series)
    lost = sum(run.diverged for run in here)
    end = f" {lost} {'run' if lost == 1 else 'runs'} diverged." if lost else ""
    count = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed"
    score = f"{series.spoken}, {fm.estimated(best)} over {count}"
    said = f"Highest final score at {fm.panel(kappa, agents)}: {score}"
    if len(found) == 1 or np.isnan(best.low):
        return f"{said}.{end}"
    ties = [s.spoken for _, s in found[1:] if not _ahead(seeds, family.at(kappa, s), spec)]
    if not ties:
        return f"{said}; within seeds it is ahead of every other.{end}"
    return f"{said}; within seeds its lead over {fm.listed(ties, 3)} is not settled.{end}"


def _ahead(runs: Sequence[Run], others: Sequence[Run], spec: Specification) -> bool:
    """The mean difference of the final score within seeds is above 0 by more than chance."""
    pairs = shared_seeds(runs, others)
    if not pairs[0]:
        return False
    difference = st.estimate(np.subtract(*pairs), st.mean, **spec.bootstrap)
    return hypotheses.told_apart(difference, 0, len(pairs[0]))
