"""The chapter of one family in a study with a design."""

from fedrl.reports.drawing.curves import learning_curves
from fedrl.reports.drawing.explorer import explorer
from fedrl.reports.drawing.figures import Look
from fedrl.reports.drawing.section import Chapter, Part, Section, scored
from fedrl.reports.drawing.surface_explorer import surface_explorer
from fedrl.reports.sensitivity import family_tables as tb
from fedrl.reports.sensitivity import maps as mp
from fedrl.reports.sensitivity import responses as rs
from fedrl.reports.sensitivity.importance import importance_bars, importance_table
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.sensitivity.transfer import transfer_maps
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.identity import identity
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.representative_settings import shown_table
from fedrl.reports.table.tables import Data, Table

PAIRS = (("beta", "step_size"),)  # (down, across); others are on the page to explore
AGAINST_KAPPA = ("local_steps",)
HEAVY = 80_000  # numbers of an explorer; a page with more would be slow to open


def family_chapter(study: Study, place: int) -> Chapter:
    """The surfaces of one family of the study, and the learning curves of a few settings."""
    family = study.curves[place]
    slug, name = family.slug, family.name
    anchor = f"{slug}-surface"
    maps = [mp.heatmaps(study, family, pair) for pair in PAIRS]
    maps += [mp.kappa_maps(study, family, one) for one in AGAINST_KAPPA]
    explored = surface_explorer(study.surfaces, slug, name, study.space, study.spec, anchor)
    tuned = tb.tuned_table(study, family)
    responses: list[Part] = [rs.response_curves(study, family, one) for one in study.names]
    responses.append(
        Data(
            f"{slug}-responses",
            "The numbers of these curves",
            "Best and mean over the other hyperparameters, with intervals, at every value.",
            tb.response_rows(study, family),
        )
    )
    known = [one for one in study.importance if one.place.family == family.name]
    carried = transfer_maps(study, family)
    pairs = [part for part in (explored, *maps) if part is not None]
    sections = [
        Section("At their best", f"{slug}-best", [tuned]),
        Section("Response curves", f"{slug}-response", responses),
        Section("Two hyperparameters", anchor, pairs),
    ]
    if known:
        drawn = importance_bars(study, family, known), importance_table(study, family, known)
        sections.append(Section("Importance", f"{slug}-importance", drawn))
    if carried:
        title = "From one environment to another"
        sections.append(Section(title, f"{slug}-transfer", [carried]))
    sections.append(_learning(study, family))
    anchor, own = f"family-{slug}", name.partition("@")[0]
    return Chapter(name, scored(family), anchor, best_here(tuned), sections, own)


def _learning(study: Study, family: Family) -> Section:
    """Curves to explore while they are few, and always the figure."""
    anchor, look = f"{family.slug}-learning", Look(study.curves)
    chosen = [one for one in study.shown if one.family == family.name]
    figure = learning_curves(family, look, study.spec)
    numbers = sum(len(run.steps) for run in family.runs) * 10 * len(study.curves)
    parts: list[Part] = [figure, shown_table(chosen, family.slug)]
    if numbers <= HEAVY:
        parts.insert(0, explorer(family, look, study.spec, anchor))
    note = "Of every algorithm the best, the median and the worst of its settings in this family."
    return Section("Learning curves", anchor, tuple(parts), note)


def best_here(table: Table) -> list[str]:
    """Which tuned algorithm is best in each environment, and which intervals reach it."""
    said = []
    for place in dict.fromkeys(row["place"] for row in table.rows):
        rows = sorted(
            (row for row in table.rows if row["place"] == place),
            key=lambda row: (-row["tuned"], row["algorithm"]),
        )
        first = rows[0]
        value = fm.estimated(Estimate(first["tuned"], first["tuned_low"], first["tuned_high"]))
        text = f"At {place}, {identity(first['algorithm']).name} is best when tuned, "
        text += f"{value} ({first['setting']})"
        ties = [
            identity(r["algorithm"]).name
            for r in rows[1:]
            if not r["tuned_high"] < first["tuned_low"]
        ]
        if ties:
            text += f"; its interval overlaps that of {fm.listed(ties)}"
        said.append(f"{text}.")
    return said
