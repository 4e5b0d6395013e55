"""One table across families: how every algorithm does over all settings, and how surely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fedrl.reports.comparison.paired import within_seeds
from fedrl.reports.comparison.rankings import Ranked, rank, together
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import hypotheses
from fedrl.reports.statistics import whole_seeds as ws
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.normalised_scores import Entry, Scaled, scaled
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import OF_AGENTS, Column, Row, Table, bounded, text, with_interval


@dataclass(frozen=True, eq=False)
class Standing:
    """One curve over all the settings (family, κ, N) it was run in."""

    curve: str
    settings: int
    runs: int
    area: st.Estimate  # 0 is the random policy, 1 the reference
    final: st.Estimate
    rank: st.Estimate  # NaN where no run of any curve hit a target
    shares: Mapping[float, float]  # of its runs with that target, those that hit it, at every ε
    behind: st.Estimate = st.UNKNOWN  # the first's area − its own, within seeds and settings
    pairs: int = 0  # seeds that `behind` is over
    worst: st.Estimate = st.UNKNOWN  # final score of the worst agent
    range: st.Estimate = st.UNKNOWN  # of final scores over agents

    @property
    def told_apart(self) -> bool:
        """The first has the larger area, by more than chance."""
        return hypotheses.told_apart(self.behind, 0, self.pairs)


def standings(entries: Sequence[Entry], spec: Specification) -> list[Standing]:
    """Most settings first, then the largest area. Settings without targets are left out."""
    found = scaled(entries)
    ranked = _ranks(entries)
    standing = []
    for curve in dict.fromkeys(item.curve for item in found):
        own = [item for item in found if item.curve == curve]
        seeds = [item.seeds for item in own]
        mine = [i for _, reached in entries for i in reached if i.series.curve == curve]
        standing.append(
            Standing(
                curve,
                len(own),
                sum(map(len, seeds)),
                ws.interquartile(seeds, [np.array(i.area) for i in own], **spec.bootstrap),
                ws.interquartile(seeds, [np.array(i.final) for i in own], **spec.bootstrap),
                rank(ranked.get(curve, []), spec),
                {e: _share([i for i in mine if i.epsilon == e]) for e in spec.epsilons},
                worst=_of_agents(own, "worst", spec),
                range=_of_agents(own, "range", spec),
            )
        )
    ordered = sorted(standing, key=lambda s: (-s.settings, -s.area.value, s.curve))
    return ordered[:1] + [_behind(found, ordered[0].curve, own, spec) for own in ordered[1:]]


def _of_agents(own: Sequence[Scaled], name: str, spec: Specification) -> st.Estimate:
    """Of all settings; nothing where a run has no scores of agents."""
    values = [np.array(getattr(item, name)) for item in own]
    if not all(np.isfinite(value).all() for value in values):
        return st.UNKNOWN
    return ws.interquartile([item.seeds for item in own], values, **spec.bootstrap)


def _share(mine: Sequence[Reached]) -> float:
    runs = sum(item.runs for item in mine)
    return sum(item.seen.hits for item in mine) / runs if runs else float("nan")


def _behind(found: Sequence[Scaled], first: str, own: Standing, spec: Specification) -> Standing:
    """With the paired difference to the first, over the seeds and settings that both entered."""
    leading = {item.setting: item for item in found if item.curve == first}
    seeds: list[list[int]] = []
    pairs: list[st.Array] = []
    for item in found:
        if item.curve == own.curve and item.setting in leading:
            theirs, ours = leading[item.setting].by_seed("area"), item.by_seed("area")
            if shared := sorted(theirs.keys() & ours.keys()):
                seeds.append(shared)
                pairs.append(np.array(within_seeds(theirs, ours)))
    if not pairs:
        return own
    behind = ws.difference(seeds, pairs, **spec.bootstrap)
    return replace(own, behind=behind, pairs=len(set().union(*seeds)))


def _ranks(entries: Sequence[Entry]) -> dict[str, list[Ranked]]:
    """Curve → its ranks by min(T, B) within seeds, for every (setting, ε) that some run hit."""
    races: dict[tuple[str, float, int | None, float], list[Reached]] = {}
    for family, reached in entries:
        for item in reached:
            place = (family.name, item.kappa, item.series.agents, item.epsilon)
            races.setdefault(place, []).append(item)
    return together(
        {i.series.curve: {seed: -steps for seed, steps in i.by_seed.items()} for i in items}
        for items in races.values()
        if any(item.seen.hits for item in items)
    )


def verdict(found: Sequence[Standing]) -> str:
    """Who leads over all settings, in words."""
    if len(found) < 2:
        return ""
    first, rest = found[0], [s for s in found[1:] if s.settings == found[0].settings]
    settings = f"{first.settings} settings" if first.settings > 1 else "the one setting"
    lead = fm.percent(round(100 * first.area.value) / 100)
    said = f"Over {settings}, {first.curve} has the largest area under its curve: on average {lead}"
    said += " of the way from the random policy to the reference"
    if not rest:
        return f"{said}."
    if max(s.pairs for s in rest) < hypotheses.FEWEST:
        return f"{said}; fewer than {hypotheses.FEWEST} seeds in common settle no order."
    ties = [s.curve for s in rest if not s.told_apart]
    if not ties:
        return f"{said}; within seeds it is ahead of every other."
    return f"{said}; within seeds its lead over {fm.listed(ties, 3)} is not told from chance."


def leaderboard(found: Sequence[Standing], spec: Specification) -> Table:
    """A row per curve, the leader first."""
    most = max((s.settings for s in found), default=0)
    single = bool(found) and all(np.isfinite(s.worst.value) for s in found)
    rows = [
        {"place": place, "series": s.curve, "settings": s.settings, "of": most, "runs": s.runs}
        | bounded("area", s.area)
        | bounded("final", s.final)
        | bounded("behind", s.behind)
        | (bounded("worst", s.worst) | bounded("range", s.range) if single else {})
        | {"pairs": s.pairs, "level_with_first": s is found[0] or not s.told_apart}
        | bounded("rank_by_steps", s.rank)
        | {f"share_{e:g}": s.shares[e] for e in spec.epsilons}
        for place, s in enumerate(found, start=1)
    ]

    known = any(s.pairs >= hypotheses.FEWEST for s in found)

    def level(row: Row) -> bool:
        return known and row["settings"] == most and row["level_with_first"]

    def share(epsilon: float) -> Column:
        key = f"share_{epsilon:g}"
        return Column(
            f"to {fm.percent(round(1 - epsilon, 6))}",
            lambda row: (
                fm.NOTHING if np.isnan(row[key]) else fm.percent(round(100 * row[key]) / 100)
            ),
            key,
        )

    return Table(
        "leaderboard",
        "Leaderboard",
        "All settings (family, κ, N) together. Scores are scaled so that 0 is the random policy "
        "and 1 the reference of their setting; interquartile mean over runs with "
        f"{fm.percent(spec.level)} bootstrap interval; a redrawn seed brings its runs in all "
        "settings. Area: mean height of the learning curve up to the common budget of its setting, "
        "which rewards few samples as well as a good end. Behind the first: area of the first "
        "minus its own, over the settings and seeds of both. Mean rank by steps: within every "
        "seed, over the settings and ε that some run reached, censored runs tied last; 1 is best. "
        "To 50 % and so on: share of runs that came that far from random to reference, censored "
        "runs included. "
        + (
            "Worst agent: the least final score of an agent; range of agents: from their 10th to "
            "their 90th percentile. "
            if single
            else ""
        )
        + "Ordered by settings entered, then by area"
        + ("; bold where the first is not told apart from it, within seeds." if known else "."),
        rows,
        (
            Column("place", lambda row: str(row["place"]), "place"),
            text("algorithm", "series"),
            Column("settings", lambda row: f"{row['settings']}/{row['of']}", "settings"),
            Column("runs", lambda row: str(row["runs"]), "runs"),
            with_interval("area", "area", strong=level),
            with_interval("behind the first", "behind"),
            with_interval("final", "final"),
            *(OF_AGENTS if single else ()),
            with_interval("mean rank by steps", "rank_by_steps"),
            *(share(epsilon) for epsilon in spec.epsilons),
        ),
        group=(),
    )
