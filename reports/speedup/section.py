"""Speed-up in N and exponent in ε on the page: fit beside theory, efficiency, figure, sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.speedup import tuned_section
from fedrl.reports.speedup.efficiency import efficiency_table
from fedrl.reports.speedup.steps_figure import steps_figure
from fedrl.reports.statistics import accelerated_failure as sp
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import sample_complexity, theory
from fedrl.reports.table import tables as tb
from fedrl.reports.table.runs import Family, Series
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification

FEWEST = 3  # numbers of agents that make a slope worth fitting


@dataclass(frozen=True, eq=False)
class Fitted:
    """One curve (an algorithm with its settings, N aside) at one κ."""

    kappa: float
    series: Series  # with its smallest N
    attempts: sp.Attempts
    fit: sp.SpeedUp
    efficiency: dict[int, Estimate]
    slope: float  # of theory, NaN where it has none
    exponent: float  # likewise


def varies(family: Family) -> bool:
    """True when there are enough N for a slope."""
    return len({run.agents for run in family.runs}) >= FEWEST


def parts(
    family: Family, look: fig.Look, spec: Specification
) -> tuple[tuple[fig.Figure | tb.Table, ...], str]:
    """The section's tables and figure, and what they say in words."""
    known = family.has_stationarity
    if known:  # two targets a decade, or a slow study fits ρ to one or two of them
        reached = sample_complexity.stationarity_targets(family, spec, sv.half_decades_below)
    else:
        reached = sample_complexity.score_targets(family, spec)
    fits = fitted(family, reached, spec, stationarity=known)
    if not fits:
        return (), "No target is defined, so there is nothing to fit."
    source = "From the same model with a level for every N in place of b log N: no power law"
    efficiency = efficiency_table(
        (f"{family.slug}-efficiency", "Efficiency", source),
        [({"kappa": i.kappa, "series": i.series.curve}, i.efficiency) for i in fits],
        (tb.KAPPA, tb.text("algorithm", "series")),
        ("kappa",),
        spec,
    )
    tables = _fits(family, fits, spec, known), efficiency
    chosen, words = tuned_section.parts(family, look, spec)
    if chosen:  # a line and a sentence for each setting would be too much to read
        return (*chosen, *tables), words
    # every target enters the fit; a panel for each half-decade would be too many to read
    plotted = [i for i in reached if _power_of_ten(i.epsilon)] if known else reached
    drawn = (
        (steps_figure(family, plotted, look, known),) if any(i.seen.hits for i in plotted) else ()
    )
    return (*drawn, *tables), " ".join(sentence(item) for item in fits)


def _power_of_ten(value: float) -> bool:
    return value == float(f"1e{round(np.log10(value))}")


def fitted(
    family: Family, reached: Sequence[Reached], spec: Specification, *, stationarity: bool
) -> list[Fitted]:
    """Every curve at every κ; theory speaks of ‖∇J‖² ≤ ε and has no ρ for targets of the score."""
    found = []
    for kappa in family.kappas:
        here = [item for item in reached if item.kappa == kappa]
        for curve in dict.fromkeys(item.series.curve for item in here):
            own = [item for item in here if item.series.curve == curve]
            series = min((i.series for i in own), key=lambda s: s.agents or 0)
            attempts = _attempts(family, own)
            exponent = theory.exponent(next(r for r in family.runs if r.series == series))
            found.append(
                Fitted(
                    kappa,
                    series,
                    attempts,
                    sp.speed_up(attempts, spec.level),
                    sp.efficiencies(attempts, spec.level),
                    theory.SLOPE if np.isfinite(exponent) else np.nan,
                    exponent if stationarity else np.nan,
                )
            )
    return found


def _attempts(family: Family, reached: Sequence[Reached]) -> sp.Attempts:
    agents = [family.at(item.kappa, item.series)[0].agents for item in reached]
    runs = [item.runs for item in reached]
    return sp.Attempts(
        np.concatenate([item.seen.time for item in reached]),
        np.concatenate([item.seen.hit for item in reached]),
        np.repeat(np.array(agents, dtype=np.float64), runs),
        np.repeat([item.epsilon for item in reached], runs),
        np.full(sum(runs), family.name),
        np.concatenate([item.seeds for item in reached]),
    )


def sentence(item: Fitted) -> str:
    """Compare the fit of one curve with theory, in a sentence."""
    fit, name = item.fit, f"{item.series.spoken} at {fm.level(item.kappa)}"
    slope = _compared("b", fit.slope, item.slope)
    exponent = _compared("ρ", fit.exponent, item.exponent)
    if not (slope or exponent):
        return f"{name}: not identifiable, {fit.missing}."
    verdict = f"linear speed-up is {fit.verdict} at these step sizes" if slope else ""
    missing = f"otherwise not identifiable: {fit.missing}" if fit.missing else ""
    return f"{name}: {'; '.join(filter(None, (slope, verdict, exponent, missing)))}."


def _compared(symbol: str, found: Estimate, expected: float) -> str:
    if not np.isfinite(found.value):
        return ""
    said = f"{symbol} = {fm.estimated(found)}"
    if np.isinf(found.low):
        return f"{symbol} = {fm.number(found.value)}, which hangs on one seed and has no bounds"
    if np.isnan(expected):
        return said
    if np.isnan(found.low):
        return f"{said} beside {fm.number(expected)} in theory, one seed and no interval"
    if found.low <= expected <= found.high:
        return f"{said}, whose interval holds theory's {fm.number(expected)}"
    cheaper = found.high < expected
    how = {
        ("b", True): "more agents save more than theory's",
        ("b", False): "more agents save less than theory's",
        ("ρ", True): "smaller ε cost less than theory's bound",
        ("ρ", False): "smaller ε cost more than theory's bound",
    }[symbol, cheaper]
    return f"{said}, where theory and measurement part: {how} {fm.number(expected)}"


def _fits(family: Family, fits: Sequence[Fitted], spec: Specification, known: bool) -> tb.Table:
    criterion = "‖∇J‖² ≤ ε" if known else "score ≥ reference − ε (reference − random)"
    rows: list[dict[str, Any]] = [
        {"kappa": item.kappa, "series": item.series.curve}
        | {"attempts": len(item.attempts.time), "hits": int(item.attempts.hit.sum())}
        | {"seeds": len(np.unique(item.attempts.seed))}
        | tb.bounded("slope", item.fit.slope)
        | {"theory_slope": item.slope, "verdict": item.fit.verdict}
        | tb.bounded("exponent", item.fit.exponent)
        | {"theory_exponent": item.exponent, "sigma": item.fit.spread}
        | {"not_identifiable": item.fit.missing}
        for item in fits
    ]
    return tb.Table(
        f"{family.slug}-speedup",
        "Slope in N and exponent in ε",
        f"log T = α + b log N + ρ log(1/ε) + σ z for the environment steps per agent T until "
        f"{criterion}, fitted to all runs × targets with censored ones at their budget. Per "
        "agent, linear speed-up is b = −1; in steps of all agents together it is 0 (b + 1). "
        f"{fm.percent(spec.level)} profile-likelihood intervals, rescaled to the spread over "
        "seeds because all N and ε of a seed go together; bold where theory's value lies outside. "
        "Linear: two one-sided tests of b in [−1.1, −0.9]. T is rounded up to evaluation points, "
        "which draws b towards 0 where they are few. Theory's are worst-case upper bounds on "
        "‖∇J‖²" + ("." if known else ", and say nothing of ρ for targets of the score."),
        rows,
        (
            *(tb.KAPPA, tb.text("algorithm", "series")),
            tb.Column("hits", lambda row: f"{row['hits']}/{row['attempts']}", "hits"),
            tb.Column("seeds", lambda row: str(row["seeds"]), "seeds"),
            tb.with_interval("b", "slope", strong=_off_theory("slope")),
            tb.numeric("theory", "theory_slope"),
            tb.text("linear", "verdict"),
            tb.with_interval("ρ", "exponent", strong=_off_theory("exponent")),
            tb.numeric("theory", "theory_exponent"),
            tb.numeric("σ", "sigma"),
            tb.text("not identifiable", "not_identifiable"),
        ),
    )


def _off_theory(key: str) -> Callable[[tb.Row], bool]:
    return lambda row: tb.leaves_out(row, key, row[f"theory_{key}"])
