"""Families in words and tables, generated from the registry: the text of docs/families.md."""

import math
from collections.abc import Sequence
from dataclasses import fields

from fedrl.algorithms.estimators.policy import GaussianMLP
from fedrl.benchmark.inspection.catalogue import dynamics, space
from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.thresholds import Score, Standing
from fedrl.envs.family import Family
from fedrl.reports.table.formatting import piped

HEADINGS = ("family", "score", "random", "reference", "common", "own", "the reference is")
EXPLAINED = """\
- **score**: `objective` is J, discounted and over the horizon; `return` is undiscounted.
- **random**: every discrete action equally likely, every real action N(0, σ²) with the σ that
  training starts with, {sigma:.3g}. With ±, the standard error of {episodes} sampled episodes per
  agent; without, exact.
- **reference**: what reports measure against, and what it means.
- **common**: the best known policy that all agents share (finite families), found by exact
  gradient ascent: a lower bound on the best one.
- **own**: mean over the agents of their own optimum, whose policy may depend on the time: an upper
  bound on everything. At κ = 0, what it exceeds `common` by is the worth of knowing the time.
"""


def pages(drawn: Sequence[Federation], found: Sequence[Standing], episodes: int) -> str:
    """docs/families.md: the thresholds, then every family with its spaces, options and knobs."""
    first = found[0]
    agents = f"{first.agents} agents" if first.agents > 1 else "one agent (they are all alike)"
    parts = [
        "# Families\n",
        "Generated from the registry by `fedrl thresholds --markdown`; every number is computed.\n",
        "## Thresholds\n",
        f"Stock settings, κ = {first.kappa:g}, {agents}, seed {first.seed}. All are "
        "means over the agents.\n",
        EXPLAINED.format(episodes=episodes, sigma=math.exp(GaussianMLP.initial_log_std)),
        piped(HEADINGS, map(row, found)),
        *(section(one) for one in drawn),
    ]
    return "\n".join(parts)


def section(drawn: Federation) -> str:
    """One family: what it is, its options, its knobs."""
    family = drawn.family
    sees, acts = space(family.observation_space, "state"), space(family.action_space, "action")
    parts = [
        f"## {drawn.name}\n",
        f"{family.summary}. Source: {family.source}.\n",
        f"- kind: {dynamics(type(family))}; {sees}, {acts}",
        f"- horizon T = {family.horizon} steps, discount γ = {family.discount:g}",
        f"- heterogeneity: {family.heterogeneity}",
        f"- Gymnasium id: `{family.gymnasium_id}`\n",
    ]
    options = [
        (f"`{field.name}`", f"`{getattr(family, field.name)!r}`")
        for field in fields(family)
        if field.name not in ("horizon", "discount", "vary")
    ]
    if options:
        parts.append(piped(("option", "stock"), options))
    if family.knobs:
        heading = ("knob", "unit", "κ = 0", "range at κ = 1", "physical limit", "meaning")
        parts.append(piped(heading, knobs(family)))
    return "\n".join(parts)


def knobs(family: Family) -> list[tuple[str, ...]]:
    """Name, unit, stock value, range and lower limit of every knob, meaning."""
    return [
        (
            f"`{name}`",
            knob.unit,
            f"{knob.stock:g}",
            f"[{knob.low:g}, {knob.high:g}]",
            f"above {knob.minimum:g}" if math.isfinite(knob.minimum) else "none",
            knob.meaning,
        )
        for name, knob in family.knobs.items()
    ]


def row(mark: Standing) -> tuple[str, ...]:
    """The marks of one family as text."""
    numbers = (_number(mark.reference), _number(mark.common), _number(mark.own))
    return mark.family, mark.metric, _score(mark.random), *numbers, mark.meaning


def _score(score: Score) -> str:
    if score.episodes == 0:
        return _number(score.value)
    return f"{_number(score.value)} ± {score.error:.2g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
