"""Speed-up under settings chosen per N and ε, beside one setting for all: tables and words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing.figures import Figure, Look
from fedrl.reports.speedup.efficiency import efficiency_table
from fedrl.reports.speedup.grids import ADAPTS, GOOD, GRADIENT, SCORE, WITHIN, Tuned, fitted, grids
from fedrl.reports.speedup.tuned_figure import speed_up_figure
from fedrl.reports.statistics import cross_fitting
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import tables as tb
from fedrl.reports.table import theory
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Specification


def parts(
    family: Family, look: Look, spec: Specification
) -> tuple[tuple[Figure | tb.Table, ...], str]:
    """Figure, exponents, efficiency and choices; nothing where no setting was varied."""
    known = grids(family, spec)
    if not known:
        return (), ""
    every = [[fitted(family, grid, adapts, spec) for adapts in ADAPTS] for grid in known]
    flat = [item for own in every for item in own]
    title = "Efficiency when the setting is chosen per N and ε"
    source = "At the settings of the table above, with a level for every N"
    efficiency = efficiency_table(
        (f"{family.slug}-tuned-efficiency", title, source),
        [(_key(item), item.efficiency) for item in flat],
        NAMED,
        ("kappa", "criterion", "algorithm"),
        spec,
    )
    tables = _exponents(family, flat, spec), efficiency
    choices = _choices(family, [item for item in flat if not ADAPTS[item.adapts]])
    drawn = speed_up_figure(family, flat, look)
    return (drawn, *tables, choices), " ".join(map(sentence, every))


SCOPES = {"nothing": "one setting for all", "N and ε": "tuned per N and ε"}
SOUGHT = {GRADIENT: "‖∇J‖² ≤ ε", GOOD: "‖∇J‖² ≤ ε at a good score", SCORE: "a score"}


def sentence(own: Sequence[Tuned]) -> str:
    """Say what the fits of one grid found, and under which settings."""
    grid = own[0].grid
    said = [f"{SCOPES[item.adapts]} {_said(item)}" for item in own if item.adapts in SCOPES]
    where = f"{grid.name} at {fm.level(grid.kappa)}, steps to {SOUGHT[grid.criterion]}"
    return f"{where}: {'; '.join(said)}."


def _said(item: Tuned) -> str:
    fit = item.fit
    if not np.isfinite(fit.slope.value):
        return f"not identifiable, {fit.missing}"
    found = fm.estimated(fit.slope)
    return f"b = {found}, linear speed-up is {fit.verdict} at these step sizes"


def _key(item: Tuned) -> dict[str, Any]:
    grid = item.grid
    return {
        **{"kappa": grid.kappa, "criterion": grid.criterion, "algorithm": grid.algorithm},
        **{"name": grid.name, "tuned": item.adapts},
    }


NAMED = (
    tb.KAPPA,
    tb.text("target", "criterion"),
    tb.text("algorithm", "name"),
    tb.text("tuned per", "tuned"),
)


def _exponents(family: Family, every: Sequence[Tuned], spec: Specification) -> tb.Table:
    rows = [
        _key(item)
        | {"attempts": len(item.attempts.time), "hits": int(item.attempts.hit.sum())}
        | tb.bounded("slope", item.fit.slope)
        | {"verdict": item.fit.verdict}
        | tb.bounded("exponent", item.fit.exponent)
        | {"theory_exponent": np.nan if item.grid.criterion == SCORE else item.grid.exponent}
        | {"final": item.final, "edge": item.edge}
        | {"not_identifiable": item.fit.missing}
        for item in every
    ]
    grid = every[0].grid
    return tb.Table(
        f"{family.slug}-tuned",
        "Exponents when the setting is chosen per N and ε",
        f"log T = α + b log N + ρ log(1/ε) + σ z as in the fit of fixed settings, but under the "
        f"setting chosen among {len(grid.settings)} ({grid.settings[0]} … {grid.settings[-1]}): "
        "one for all N and ε (“nothing”), one for every N, one for every N and ε. A choice has the "
        "smallest mean of log min(T, B) on one half of the seeds and is scored on the other half, "
        "then the halves swap: no run counts under a setting it chose itself, none is left out. "
        "All that is not named there is the same throughout. Targets: ‖∇J‖² ≤ ε, which a plateau "
        "at a bad policy also meets; the same with a score that is at least reference − "
        f"{WITHIN} (reference − random); score ≥ reference − ε (reference − random). Theory: "
        f"b = −1. {fm.percent(spec.level)} profile-likelihood intervals over seeds. Linear: two "
        "one-sided tests of b in [−1.1, −0.9], at these step sizes. Final: median share of "
        "reference − random that the last policies reach under the chosen settings. Edge: share "
        "of choices at an end of the grid, beyond which the best setting may lie.",
        rows,
        (
            *NAMED,
            tb.Column("hits", lambda row: f"{row['hits']}/{row['attempts']}", "hits"),
            tb.with_interval(
                "b", "slope", strong=lambda row: tb.leaves_out(row, "slope", theory.SLOPE)
            ),
            tb.text("linear", "verdict"),
            tb.with_interval("ρ", "exponent"),
            tb.numeric("theory", "theory_exponent"),
            tb.numeric("final", "final"),
            tb.Column("edge", lambda row: f"{100 * row['edge']:.0f} %", "edge"),
            tb.text("not identifiable", "not_identifiable"),
        ),
        group=("kappa", "criterion", "algorithm"),
    )


def _choices(family: Family, every: Sequence[Tuned]) -> tb.Table:
    """Which setting is chosen most often at every N and ε, of the two halves."""
    rows: list[dict[str, Any]] = []
    for item in every:
        grid = item.grid
        for j, epsilon in enumerate(grid.epsilons):
            row: dict[str, Any] = _key(item) | {"epsilon": epsilon}
            for i, n in enumerate(grid.agents):
                both = sorted(set(item.place[i, j].tolist()))
                hits = int(cross_fitting.at(grid.hit, item.place)[i, j].sum())
                row[f"chosen_{n}"] = " | ".join(grid.settings[m] for m in both) if hits else ""
            rows.append(row)
    levels = sorted({n for item in every for n in item.grid.agents})
    return tb.Table(
        f"{family.slug}-tuned-choices",
        "Chosen settings",
        "The settings that the two halves of the seeds choose for every N and ε; empty where no "
        "run of either half then hit.",
        rows,
        (
            *NAMED[:3],
            tb.Column("ε", lambda row: f"{row['epsilon']:g}", "epsilon"),
            *(tb.text(f"N = {n}", f"chosen_{n}") for n in levels),
        ),
        group=("kappa", "criterion", "algorithm"),
    )
