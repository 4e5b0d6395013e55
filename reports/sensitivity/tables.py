"""Tables of a study with a design: across environments, and by κ and N."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.sensitivity.plane import REGIONS, is_settled, place, reference
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Importance, sign
from fedrl.reports.table.surfaces.tuning_sensitivity import TuningSensitivity, owed
from fedrl.reports.table.tables import ALGORITHM, Column, Row, Table, bounded, interval, text


def sensitivity_table(study: Study) -> Table:
    """A row per algorithm, the best with tuning first."""
    found, spec = study.owed, study.spec
    base = reference(found, spec)
    rows = [
        {"algorithm": one.surface.algorithm, "settings": len(one.surface.settings)}
        | _numbers(one)
        | bounded("lost_runs", one.lost_runs)
        | {"setting": study.space.setting(one.surface.names, one.setting)}
        | {"region": _region(one, base, spec)}
        for one in sorted(found, key=lambda one: (-one.tuned.value, one.surface.algorithm))
    ]
    absent = "d needs a full grid: among the points of a Sobol set no two share a value. "
    grid_only = absent if any(np.isnan(one.dimensions) for one in found) else ""
    return Table(
        "sensitivity",
        "Sensitivity to hyperparameters",
        f"Over {base.environments} environments (family, κ, N). Γ is performance scaled in every "
        "environment so that 0 and 1 are the 5th and 95th percentile of all algorithms and "
        "settings. Tuned: the best setting of every environment; shared: one for all; Φ is their "
        "difference. Settings are chosen on one half of the seeds and scored on the other, with "
        f"{fm.percent(spec.level)} bootstrap intervals over seeds; the plug-in chooses and scores "
        "on all seeds, which rewards noise. d: how many hyperparameters have to be tuned per "
        f"environment for {fm.percent(spec.share)} of the tuned Γ, on all seeds. {grid_only}"
        "Diverged: (environment, setting) pairs with a diverged run, with Wilson interval. "
        f"The region is that of the plane beside {base.surface.printed}: "
        f"{'; '.join(f'{n} {words}' for n, words in REGIONS.items() if n)}. A ~ says that the "
        "interval of a difference to it, paired over seeds, holds 0. Adkins, Bowling and White "
        "2024.",
        rows,
        (
            ALGORITHM,
            *GAMMAS,
            Column("Φ plug-in", lambda row: _decimal(row["plug_in"]), "plug_in"),
            Column("d", _dimensions, "d"),
            _share("diverged", "lost"),
            text("region", "region"),
            text("shared setting", "setting"),
        ),
        group=(),
    )


def change_table(study: Study) -> Table:
    """The same numbers over the environments of one κ, and of one N."""
    rows: list[dict[str, Any]] = []
    gammas, kept = study.scaled
    for what, word in (("kappa", "κ"), ("agents", "N")):
        at_each = [getattr(study.surfaces[0].environments[i], what) for i in kept]
        levels = sorted(set(at_each))
        if len(levels) < 2:
            continue
        for surface, gamma in zip(study.surfaces, gammas, strict=True):
            for level in levels:
                own = [place for place, here in enumerate(at_each) if here == level]
                one = owed(surface, gamma[own], [kept[at] for at in own], study.spec)
                rows.append(
                    {"algorithm": surface.algorithm, "of": word, "at": f"{word} = {level:g}"}
                    | {"level": float(level), "environments": one.environments}
                    | _numbers(one)
                    | {"first": _first(surface.algorithm, study.importance, what, level)}
                )
    return Table(
        "sensitivity-change",
        "Sensitivity by heterogeneity and number of agents",
        "The numbers of the table above over the environments of one κ, and of one N. With one "
        "environment there is nothing to share, and Φ is 0 by its definition. First: the "
        "hyperparameter with the largest mean importance (PED-ANOVA) there.",
        rows,
        (
            ALGORITHM,
            text("where", "at"),
            Column("environments", lambda row: str(row["environments"]), "environments"),
            *GAMMAS,
            Column("d", _dimensions, "d"),
            _share("diverged settings", "lost"),
            text("first", "first"),
        ),
        group=("of", "algorithm"),
    )


def _numbers(one: TuningSensitivity) -> dict[str, Any]:
    return (
        bounded("tuned", one.tuned)
        | bounded("shared", one.shared)
        | bounded("phi", one.phi)
        | {"plug_in": one.plug_in, "d": one.dimensions, "of_names": len(one.surface.names)}
        | bounded("lost", Estimate(one.lost / one.pairs, *one.lost_bounds))
    )


def _region(one: TuningSensitivity, base: TuningSensitivity, spec: Sensitivity) -> str:
    if one is base:
        return "reference"
    number = place(one, base)
    return f"{number}{'' if is_settled(one, base, spec) else '~'}"


def _dimensions(row: Row) -> str:
    return f"{row['d']:.0f} of {row['of_names']}" if np.isfinite(row["d"]) else fm.NOTHING


def _bounded(header: str, key: str) -> Column:
    """To two decimals: all have one scale."""
    return interval(header, key, _decimal)


def _decimal(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−") if np.isfinite(value) else fm.NOTHING


GAMMAS = (_bounded("Γ tuned", "tuned"), _bounded("Γ shared", "shared"), _bounded("Φ", "phi"))


def _share(header: str, key: str) -> Column:
    """In per cent; Wilson's lower end of no hits is zero but for rounding."""
    return interval(header, key, lambda s: f"{round(100 * s, 9):.3g}", unit=f"{fm.THIN}%")


def _first(algorithm: str, importance: Sequence[Importance], what: str, level: float) -> str:
    """The largest mean importance over the environments at that level."""
    shares: dict[str, list[float]] = {}
    for one in importance:
        if one.algorithm == algorithm and getattr(one.place, what) == level:
            shares.setdefault(one.hyperparameter, []).append(one.share.value)
    if not shares:
        return fm.NOTHING
    first = max(sorted(shares), key=lambda name: float(np.mean(shares[name])))
    return f"{sign(first)} {fm.rounded_percent(float(np.mean(shares[first])))}"
