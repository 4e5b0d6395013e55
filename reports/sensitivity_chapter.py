"""The chapters of a study with a design: across environments, then family by family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reports import formatting as fm
from reports import guideline
from reports import importance as imp
from reports import maps as mp
from reports import plane as pl
from reports import responses as rs
from reports import sensitivity_tables as tb
from reports.change import change_figure
from reports.chapter import Chapter, scored
from reports.curves import learning_curves
from reports.design import Space, coordinates
from reports.explorer import explorer
from reports.figures import Look
from reports.guideline_words import Sentence
from reports.owed import Owed, difference, gammas, owed
from reports.runs import Family
from reports.section import Part, Section
from reports.shown_runs import Shown, shown, shown_families, shown_table
from reports.specification import Sensitivity
from reports.statistics import Estimate
from reports.surface_explorer import surface_explorer
from reports.surfaces import Designed
from reports.tables import Data, Table, text
from reports.transfer import transfer_maps
from reports.values_table import pairs_data, values_data, values_table

PAIRS = (("beta", "step_size"),)  # (down, across); others are on the page to explore
AGAINST_KAPPA = ("local_steps",)
FIRST = ("step_size", "local_steps", "server_step_size", "episodes", "beta")  # as they are read
HEAVY = 80_000  # numbers of an explorer; a page with more would be slow to open


@dataclass(frozen=True, eq=False)
class Study:
    """What the chapters are made from."""

    records: Any
    designed: Designed
    space: Space
    importance: Sequence[Mapping[str, Any]]
    spec: Sensitivity

    @property
    def families(self) -> list[str]:
        return sorted({e.family for e in self.designed.surfaces[0].environments})

    @cached_property
    def names(self) -> list[str]:
        """The hyperparameters that vary, in the order they are read."""
        found = [
            name
            for name in coordinates(self.records)
            if any(
                name in s.names and s.shape[s.names.index(name)] > 1 for s in self.designed.surfaces
            )
        ]
        rank = {name: place for place, name in enumerate(FIRST)}
        return sorted(found, key=lambda name: (rank.get(name, len(FIRST)), name))

    @cached_property
    def scaled(self) -> tuple[list[Any], list[int]]:
        """Γ of every algorithm and the environments it is of."""
        return gammas(self.designed.surfaces)

    @cached_property
    def owed(self) -> list[Owed]:
        values, kept = self.scaled
        return [
            owed(surface, gamma, kept, self.spec)
            for surface, gamma in zip(self.designed.surfaces, values, strict=True)
        ]

    @cached_property
    def looks(self) -> rs.Looks:
        return rs.looks(self.designed.surfaces)

    @cached_property
    def shown(self) -> list[Shown]:
        return [
            one
            for family in self.families
            for one in shown(self.designed.surfaces, family, self.space)
        ]

    @cached_property
    def curves(self) -> list[Family]:
        return shown_families(self.records, self.designed, self.shown)


def across(study: Study) -> Chapter:
    """All environments together."""
    values, kept = study.scaled
    surfaces = study.designed.surfaces
    change = tb.change_table(surfaces, values, kept, study.importance, study.spec)
    advice = [
        Section(
            f"Guideline: {one.surface.algorithm}",
            f"guideline-{_slug(one.surface.algorithm)}",
            (),
            says=tuple(s.text for s in _sentences(one, study)),
        )
        for one in study.owed
    ]
    evidence = _evidence(study)
    sections = [
        Section(
            "Performance and sensitivity",
            "sensitivity-plane",
            (pl.plane(study.owed, study.looks, study.spec),),
        ),
        *advice,
        Section("Evidence for the guidelines", "sensitivity-evidence", (evidence,)),
    ]
    if change.rows:
        sections.append(
            Section(
                "Heterogeneity and number of agents",
                "sensitivity-change",
                (change_figure(change.rows, study.looks, study.spec), change),
            )
        )
    rows = Data(
        "design-settings",
        "Every setting",
        "Performance and diverged runs of every setting in every environment.",
        tb.setting_rows(surfaces),
    )
    made = (values_table, values_data, pairs_data)
    every = tuple(make(surfaces, study.space, study.spec) for make in made)
    sections.append(Section("Every value", "sensitivity-values", every))
    sections.append(Section("Data", "sensitivity-data", (rows,), note=left_out(study)))
    return Chapter(
        "Across environments",
        f"Performance: mean height of the learning curve over steps per agent up to the common "
        f"budget of an environment, 0 the random policy and 1 the reference. A diverged run counts "
        f"as the random policy for the rest of it. {_design(study)}",
        "sensitivity",
        beside(study),
        sections,
    )


def family_chapter(study: Study, family: Family) -> Chapter:
    """One family's surfaces, and the learning curves of a few settings."""
    surfaces, space, spec = study.designed.surfaces, study.space, study.spec
    slug, name = family.slug, family.name
    anchor = f"{slug}-surface"
    maps = [mp.heatmaps(surfaces, slug, name, pair, space, spec) for pair in PAIRS]
    maps += [mp.kappa_maps(surfaces, slug, name, one, space, spec) for one in AGAINST_KAPPA]
    explored = surface_explorer(surfaces, slug, name, space, spec, anchor)
    tuned = tb.tuned_table(surfaces, slug, name, space, spec)
    responses: list[Part] = [
        rs.response_curves(surfaces, slug, name, one, study.looks, space, spec)
        for one in study.names
    ]
    responses.append(
        Data(
            f"{slug}-responses",
            "The numbers of these curves",
            "Best and mean over the other hyperparameters, with intervals, at every value.",
            tb.response_rows(surfaces, name, spec),
        )
    )
    rows = imp.of_family(study.importance, name)
    carried = transfer_maps(surfaces, slug, name, spec)
    sections = [
        Section("At their best", f"{slug}-best", (tuned,)),
        Section("Response curves", f"{slug}-response", tuple(responses)),
        Section("Two hyperparameters", anchor, _there([explored, *maps])),
        Section("Importance", f"{slug}-importance", _importance(study, rows, slug))
        if rows
        else None,
        Section("From one environment to another", f"{slug}-transfer", (carried,))
        if carried
        else None,
        _learning(study, family),
    ]
    return Chapter(
        name,
        scored(family),
        f"family-{slug}",
        best_here(tuned),
        [section for section in sections if section is not None],
    )


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


def _importance(study: Study, rows: Any, slug: str) -> tuple[Part, ...]:
    bars = imp.importance_bars(rows, slug, study.names, study.looks, study.spec)
    return bars, imp.importance_table(rows, slug, study.names)


def _sentences(one: Owed, study: Study) -> list[Sentence]:
    return guideline.sentences(one, study.space, study.importance, study.spec)


def _evidence(study: Study) -> Table:
    rows = [
        {"algorithm": one.surface.algorithm, "rule": s.rule, "decided": s.decided, "says": s.text}
        for one in study.owed
        for s in _sentences(one, study)
    ]
    return Table(
        "guidelines",
        "Guidelines and what they rest on",
        f"Every sentence follows from its number by a rule. Range: values within "
        f"{fm.percent(study.spec.within)} of the best in every environment when the others take "
        "their best. Tail: values beyond which all lose more than that everywhere. Settings are "
        "judged by means over all seeds; environments where nothing beats the random policy do "
        "not count.",
        rows,
        (
            text("algorithm", "algorithm"),
            text("rule", "rule"),
            text("decided by", "decided"),
            text("sentence", "says"),
        ),
        group=("algorithm",),
    )


def beside(study: Study) -> list[str]:
    """Every algorithm beside the reference, in words."""
    base = pl.reference(study.owed, study.spec)
    said = []
    for one in study.owed:
        if one is base:
            continue
        number = pl.place(one, base)
        gain, owes = difference(one, base, study.spec)
        known = pl.is_settled(one, base, study.spec)
        verb = "is" if known else "may be"
        said.append(
            f"{one.surface.algorithm} {verb} {pl.REGIONS[number]}, beside "
            f"{base.surface.algorithm}: Γ with tuning {_change(gain)}, Φ {_change(owes)}."
        )
    return said


def _change(value: Estimate) -> str:
    return f"{fm.signed(value.value, 2)} {fm.brackets(value.low, value.high, 2)}".strip()


def best_here(table: Table) -> list[str]:
    """Which tuned algorithm is best in each environment, and which intervals reach it."""
    said = []
    for place in dict.fromkeys(row["place"] for row in table.rows):
        rows = sorted(
            (row for row in table.rows if row["place"] == place),
            key=lambda row: (-row["tuned"], row["algorithm"]),
        )
        first = rows[0]
        interval = fm.brackets(first["tuned_low"], first["tuned_high"])
        text = f"At {place}, {first['algorithm']} is best when tuned, "
        text += f"{fm.number(first['tuned'])} {interval}".strip() + f" ({first['setting']})"
        ties = [r["algorithm"] for r in rows[1:] if not r["tuned_high"] < first["tuned_low"]]
        if ties:
            text += f"; its interval overlaps that of {fm.listed(ties)}"
        said.append(f"{text}.")
    return said


def left_out(study: Study) -> str:
    """What had to be left out of the sensitivity, if anything."""
    said = []
    if study.designed.left_out:
        said.append(f"Left out: {fm.listed(study.designed.left_out)}.")
    flat = len(study.designed.surfaces[0].environments) - len(study.scaled[1])
    if flat:
        said.append(f"In {flat} environments all settings perform alike; they have no Γ.")
    return " ".join(said)


def _design(study: Study) -> str:
    kind = "a full grid" if study.space.kind == "grid" else "a Sobol set"
    axes = fm.listed([study.space.axis(name) for name in study.names])
    return f"The design is {kind} over {axes}, the same in every environment."


def _there(parts: Sequence[Part | None]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part is not None)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
