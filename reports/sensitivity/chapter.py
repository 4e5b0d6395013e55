"""The chapter of all environments of a study with a design."""

from collections.abc import Mapping, Sequence

from fedrl.reports.drawing.section import Chapter, Section
from fedrl.reports.sensitivity import family_tables, guideline
from fedrl.reports.sensitivity import plane as pl
from fedrl.reports.sensitivity import tables as tb
from fedrl.reports.sensitivity.guideline_words import Sentence
from fedrl.reports.sensitivity.heterogeneity_trends import change_figure
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.sensitivity.values_table import pairs_data, values_data, values_table
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Surface
from fedrl.reports.table.surfaces.tuning_sensitivity import difference
from fedrl.reports.table.tables import ALGORITHM, Data, Table, text


def across(study: Study) -> Chapter:
    """All environments together."""
    change = tb.change_table(study)
    known = study.space, study.importance, study.spec
    told = {one.surface: guideline.sentences(one, *known) for one in study.owed}
    advice = [
        Section(
            f"Guideline: {surface.printed}",
            "guideline-" + "".join(c if c.isalnum() else "-" for c in surface.algorithm.lower()),
            (),
            says=tuple(s.text for s in sentences),
        )
        for surface, sentences in told.items()
    ]
    evidence = _evidence(told, study.spec)
    plane = pl.plane(study.owed, study.looks, study.spec)
    sections = [
        Section("Performance and sensitivity", "sensitivity-plane", (plane,)),
        *advice,
        Section("Evidence for the guidelines", "sensitivity-evidence", (evidence,)),
    ]
    if change.rows:
        title = "Heterogeneity and number of agents"
        drawn = change_figure(change.rows, study.looks, study.spec)
        sections.append(Section(title, "sensitivity-change", (drawn, change)))
    rows = Data(
        "design-settings",
        "Every setting",
        "Performance and diverged runs of every setting in every environment.",
        family_tables.setting_rows(study.surfaces),
    )
    made = (values_table, values_data, pairs_data)
    every = tuple(make(study.surfaces, study.space, study.spec) for make in made)
    sections.append(Section("Every value", "sensitivity-values", every))
    sections.append(Section("Data", "sensitivity-data", (rows,), note=left_out(study)))
    return Chapter(
        "Across environments",
        f"Performance: mean height of the learning curve over steps per agent up to the common "
        f"budget of an environment, 0 the random policy and 1 the reference. A diverged run counts "
        f"as the random policy for the rest of it. {_without_reference(study)}{_design(study)}",
        "sensitivity",
        beside(study),
        sections,
    )


def _without_reference(study: Study) -> str:
    """Name the environments whose performance has the unit of their score."""
    own = [e.label for e in study.surfaces[0].environments if not e.normalised]
    if not own:
        return ""
    return (
        f"Without a reference above the random policy ({fm.listed(own)}) it is in units of the "
        "score above that of the random policy, and enters no mean over families; Γ has no unit. "
    )


def _evidence(told: Mapping[Surface, Sequence[Sentence]], spec: Sensitivity) -> Table:
    rows = [
        {"algorithm": surface.algorithm, "rule": s.rule, "decided": s.decided, "says": s.text}
        for surface, sentences in told.items()
        for s in sentences
    ]
    return Table(
        "guidelines",
        "Guidelines and what they rest on",
        f"Every sentence follows from its number by a rule. Range: values within "
        f"{fm.percent(spec.within)} of the best in every environment when the others take "
        "their best. Tail: values beyond which all lose more than that everywhere. Settings are "
        "judged by means over all seeds; environments where nothing beats the random policy do "
        "not count.",
        rows,
        (ALGORITHM, text("rule", "rule"), text("decided by", "decided"), text("sentence", "says")),
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
            f"{one.surface.printed} {verb} {pl.REGIONS[number]}, beside "
            f"{base.surface.printed}: Γ with tuning {_change(gain)}, Φ {_change(owes)}."
        )
    return said


def _change(value: Estimate) -> str:
    return f"{fm.signed(value.value, 2)} {fm.brackets(value.low, value.high, 2)}".strip()


def left_out(study: Study) -> str:
    """Say what had to be left out of the sensitivity, if anything."""
    said = []
    if study.designed.left_out:
        said.append(f"Left out: {fm.listed(study.designed.left_out)}.")
    flat = len(study.surfaces[0].environments) - len(study.scaled[1])
    if flat:
        said.append(f"In {flat} environments all settings perform alike; they have no Γ.")
    return " ".join(said)


def _design(study: Study) -> str:
    kind = "a full grid" if study.space.kind == "grid" else "a Sobol set"
    axes = fm.listed([study.space.axis(name) for name in study.names])
    return f"The design is {kind} over {axes}, the same in every environment."
