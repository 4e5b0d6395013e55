"""Tables of a study with a design within a family, and the numbers of its curves and settings."""

from collections.abc import Sequence

import numpy as np

from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import tables as tb
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import Surface
from fedrl.reports.table.surfaces.marginals import axis, response


def tuned_table(study: Study, family: Family) -> tb.Table:
    """Within a family: every algorithm at its best, environment by environment."""
    rows, spec = [], study.spec
    for environment in study.environments(family):
        for surface in study.surfaces:
            at = surface.environments.index(environment)
            means = surface.means[at]
            best = int(np.argmax(means))
            top = float(means[best])
            good = (means >= (1 - spec.within) * top).mean() if top > 0 else np.nan
            runs = surface.performance[[at]]  # the setting is chosen in this environment alone
            tuned = ss.estimated(runs, ss.at_best, level=spec.level, **spec.redraws)
            rows.append(
                {"place": environment.place, "kappa": environment.kappa}
                | {"agents": environment.agents, "algorithm": surface.algorithm}
                | tb.bounded("tuned", tuned)
                | {"plug_in": top, "median": float(np.median(means))}
                | {"good": float(good)}
                | {"lost": float(surface.diverged[at].any(axis=1).mean())}
                | {"setting": study.space.setting(surface.names, surface.settings[best])}
            )
    return tb.Table(
        f"{family.slug}-tuned",
        "Every algorithm at its best",
        "Performance is the mean height of the learning curve up to the common budget; 0 is the "
        "random policy, 1 the reference. Tuned: chosen on one half of the seeds, scored on the "
        f"other, with {fm.percent(spec.level)} bootstrap interval; plug-in: the best mean over all "
        "seeds. Median: of all settings. Good: share of the settings within "
        f"{fm.percent(spec.within)} of the best.",
        rows,
        (
            tb.text("environment", "place"),
            tb.ALGORITHM,
            tb.with_interval("tuned", "tuned"),
            tb.numeric("plug-in", "plug_in"),
            tb.numeric("median", "median"),
            tb.Column("good", lambda row: fm.rounded_percent(row["good"]), "good"),
            tb.Column("diverged", lambda row: fm.rounded_percent(row["lost"]), "lost"),
            tb.text("best setting", "setting"),
        ),
        group=("place",),
    )


def response_rows(study: Study, family: Family) -> list[tb.Row]:
    """The numbers of the response curves."""
    rows: list[tb.Row] = []
    for environment in study.environments(family):
        for surface in study.surfaces:
            at = surface.environments.index(environment)
            for name in surface.names:
                along = axis(surface, name, study.spec)
                found = response(surface, at, along, study.spec)
                rows += [
                    {"kappa": environment.kappa, "agents": environment.agents}
                    | dict(environment.rest)
                    | {"algorithm": surface.algorithm, "hyperparameter": name}
                    | {"low": along.low[i], "high": along.high[i]}
                    | tb.bounded("best", found.best[i])
                    | tb.bounded("mean", found.mean[i])
                    | {"diverged": found.diverged[i]}
                    for i in range(len(along.low))
                ]
    return rows


def setting_rows(surfaces: Sequence[Surface]) -> list[tb.Row]:
    """Every setting in every environment."""
    names = list(dict.fromkeys(name for surface in surfaces for name in surface.names))
    return [
        {"family": e.family, "kappa": e.kappa, "agents": e.agents}
        | dict(e.rest)
        | {"algorithm": s.algorithm}
        | {n: s.settings[h][s.names.index(n)] if n in s.names else np.nan for n in names}
        | {"performance": s.means[i, h], "diverged": s.diverged[i, h].mean()}
        | {"seeds": s.performance.shape[2], "cell": s.cells[i][h]}
        for s in surfaces
        for i, e in enumerate(s.environments)
        for h in range(len(s.settings))
    ]
