"""One table across families: how every algorithm does over all settings, and how surely."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.normalised_scores import Entry, area, gain
from fedrl.reports.table.sample_complexity import Reached, has_targets
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Column, Row, Table, bounded, text, with_interval


@dataclass(frozen=True, eq=False)
class Standing:
    """One curve over all the settings (family, κ, N) it was run in."""

    curve: str
    settings: int
    runs: int
    area: st.Estimate  # 0 is the random policy, 1 the reference
    final: st.Estimate
    rank: st.Estimate  # NaN where no run of any curve hit a target
    hits: Mapping[float, int]  # of `runs`, at every ε


def standings(entries: Sequence[Entry], spec: Specification) -> list[Standing]:
    """Most settings first, then the largest area. Settings without targets are left out."""
    curves = dict.fromkeys(series.curve for family, _ in entries for series in family.series)
    ranks = _ranks(entries, spec)
    found = []
    for curve in curves:
        groups = [
            (family, runs)
            for family, _ in entries
            for kappa, series, runs in family.groups()
            if series.curve == curve and has_targets(family.at(kappa))
        ]
        if not groups:
            continue
        mine = [i for _, reached in entries for i in reached if i.series.curve == curve]
        found.append(
            Standing(
                curve,
                len(groups),
                sum(len(runs) for _, runs in groups),
                _pooled([[area(f, run) for run in runs] for f, runs in groups], spec),
                _pooled([[gain(run, run.final) for run in runs] for _, runs in groups], spec),
                ranks.get(curve, st.Estimate(np.nan, np.nan, np.nan)),
                {e: sum(i.seen.hits for i in mine if i.epsilon == e) for e in spec.epsilons},
            )
        )
    return sorted(found, key=lambda s: (-s.settings, -s.area.value, s.curve))


def _pooled(strata: Sequence[Sequence[float]], spec: Specification) -> st.Estimate:
    """IQM over all runs, seeds redrawn within each setting.  Agarwal et al. 2021."""
    low, high = st.stratified_interval(strata, st.interquartile_mean, **spec.bootstrap)
    return st.Estimate(
        float(st.interquartile_mean(np.concatenate(strata))), float(low), float(high)
    )


def _ranks(entries: Sequence[Entry], spec: Specification) -> dict[str, st.Estimate]:
    """Mean rank by restricted mean steps over all (setting, ε) that some run hit; ties share."""
    races: dict[tuple[str, float, int | None, float], list[Reached]] = {}
    for family, reached in entries:
        for item in reached:
            place = (family.name, item.kappa, item.series.agents, item.epsilon)
            races.setdefault(place, []).append(item)
    points: dict[str, list[Array]] = {}
    for items in races.values():
        if any(item.seen.hits for item in items):
            means = np.stack([_replicates(item, spec) for item in items])  # (curves, 1 + resamples)
            for item, ranks in zip(items, ag.ranks(-means), strict=True):
                points.setdefault(item.series.curve, []).append(ranks)
    sizes = [min((item.runs for items in races.values() for item in items), default=1)]
    found = {}
    for curve, ranks in points.items():
        mean = np.mean(ranks, axis=0)
        low, high = st.expanded(mean[1:], sizes, spec.level) if sizes[0] > 1 else (np.nan, np.nan)
        found[curve] = st.Estimate(float(mean[0]), float(low), float(high))
    return found


def _replicates(item: Reached, spec: Specification) -> Array:
    """The restricted mean, then that of every resample; equal sizes meet equal resamples."""
    times = sv.restricted(item.seen, item.budget)
    drawn = np.random.default_rng(spec.seed).integers(
        0, len(times), size=(spec.resamples, len(times))
    )
    return np.append(times.mean(), times[drawn].mean(axis=1))


def verdict(found: Sequence[Standing]) -> str:
    """Who leads over all settings, in words."""
    if len(found) < 2:
        return ""
    first, rest = found[0], [s for s in found[1:] if s.settings == found[0].settings]
    settings = f"{first.settings} settings" if first.settings > 1 else "the one setting"
    lead = fm.percent(round(100 * first.area.value) / 100)
    said = f"Over {settings}, {first.curve} has the largest area under its curve: on average {lead}"
    said += " of the way from the random policy to the reference"
    if not rest or np.isnan(first.area.low):
        return f"{said}."
    ties = [s.curve for s in rest if s.area.high >= first.area.low]
    if not ties:
        return f"{said}, above every other interval."
    more = [f"{len(ties) - 3} more"] if len(ties) > 3 else []
    return f"{said}; its interval overlaps that of {fm.listed(ties[:3] + more)}."


def leaderboard(found: Sequence[Standing], spec: Specification) -> Table:
    """A row per curve, the leader first."""
    most = max((s.settings for s in found), default=0)
    rows = [
        {"place": place, "series": s.curve, "settings": s.settings, "of": most, "runs": s.runs}
        | bounded("area", s.area)
        | bounded("final", s.final)
        | bounded("rank", s.rank)
        | {f"share_{e:g}": s.hits[e] / s.runs for e in spec.epsilons}
        for place, s in enumerate(found, start=1)
    ]

    known = any(np.isfinite(s.area.low) for s in found)

    def share(epsilon: float) -> Column:
        key = f"share_{epsilon:g}"
        return Column(
            f"to {fm.percent(round(1 - epsilon, 6))}",
            lambda row: fm.percent(round(100 * row[key]) / 100),
            key,
        )

    return Table(
        "leaderboard",
        "Leaderboard",
        "All settings (family, κ, N) together. Scores are scaled so that 0 is the random policy "
        "and 1 the reference of their setting; interquartile mean over runs with "
        f"{fm.percent(spec.level)} stratified bootstrap interval. Area: mean height of the "
        "learning curve up to the common budget of its setting, which rewards few samples as well "
        "as a good end. Mean rank: by restricted mean steps, over the settings and ε that some "
        "run reached, with bootstrap interval; 1 is best. To 50 % and so on: share of "
        "runs that came that far from random to reference, censored runs included. Ordered by "
        "settings entered, then by area"
        + ("; bold where the interval overlaps that of the first." if known else "."),
        rows,
        (
            Column("place", lambda row: str(row["place"]), "place"),
            text("algorithm", "series"),
            Column("settings", lambda row: f"{row['settings']}/{row['of']}", "settings"),
            Column("runs", lambda row: str(row["runs"]), "runs"),
            with_interval("area", "area", strong=_level_with(rows)),
            with_interval("final", "final"),
            with_interval("mean rank", "rank"),
            *(share(epsilon) for epsilon in spec.epsilons),
        ),
        group=(),
    )


def _level_with(rows: Sequence[Row]) -> Callable[[Row], bool]:
    first = rows[0] if rows else {}

    def strong(row: Row) -> bool:
        return bool(
            row["settings"] == first["settings"]
            and (row is first or row["area_high"] >= first["area_low"])
        )

    return strong
