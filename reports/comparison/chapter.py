"""The sections of one family's chapter, in the order of the page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fedrl.reports.comparison import agents, family_charts, finals, ledger, paired, scores
from fedrl.reports.comparison.sentences import sentences
from fedrl.reports.comparison.settings_table import settings
from fedrl.reports.drawing import curves
from fedrl.reports.drawing.diagnostics import diagnostic_figures
from fedrl.reports.drawing.explorer import explorer
from fedrl.reports.drawing.figures import Look
from fedrl.reports.drawing.section import Chapter, Part, Section, scored
from fedrl.reports.speedup import section as speedup_section
from fedrl.reports.table import formatting as fm
from fedrl.reports.table import sample_complexity
from fedrl.reports.table.agent_scores import known
from fedrl.reports.table.runs import Family
from fedrl.reports.table.sample_complexity import Reached
from fedrl.reports.table.specification import Specification


@dataclass(frozen=True, eq=False)
class ReportContext:
    """The input of every section of a chapter."""

    family: Family
    look: Look
    spec: Specification
    hyperparameters: Sequence[str]

    @cached_property
    def targets(self) -> list[Reached]:
        """Score targets, which several sections share."""
        return sample_complexity.score_targets(self.family, self.spec)


def chapter(context: ReportContext, drawn: Iterable[Section | None]) -> Chapter:
    """The family's chapter, given what `SECTIONS` made of it."""
    family = context.family
    first, *others = (section for section in drawn if section is not None)
    says = sentences(family, context.targets, context.spec)
    kept = [first, *(replace(section, folded=True) for section in others)]
    anchor, name = f"family-{family.slug}", family.name.partition("@")[0]
    return Chapter(family.name, scored(family), anchor, says, kept, name)


def _learning(context: ReportContext) -> Section:
    family, look, spec = context.family, context.look, context.spec
    anchor = f"{family.slug}-learning"
    drawn = curves.learning_curves(family, look, spec)
    return Section("Learning curves", anchor, (explorer(family, look, spec, anchor), drawn))


def _complexity(context: ReportContext) -> Section:
    family, look, spec = context.family, context.look, context.spec
    targets, anchor = context.targets, f"{family.slug}-steps"
    parts: list[Part] = [sample_complexity.complexity_table(family, targets, spec)]
    if any(item.mean.value < item.budget for item in targets):
        chart = family_charts.reached_chart(family, targets, look, anchor)
        parts = [chart, family_charts.reached_figure(family, chart, look, spec), *parts]
    return Section("Sample complexity", anchor, parts, _on_targets(family, targets, spec))


def _heterogeneity(context: ReportContext) -> Section:
    family, look, spec = context.family, context.look, context.spec
    anchor = f"{family.slug}-kappa"
    chart = family_charts.heterogeneity_chart(family, look, spec, anchor)
    parts: list[Part] = [chart, family_charts.heterogeneity_figure(family, chart, look, spec)]
    note = "One level of heterogeneity was run: there is no change to show."
    if len(family.kappas) > 1:
        parts.append(scores.drop_table(family, spec))
        note = ""
    return Section("Heterogeneity", anchor, parts, note)


def _on_targets(family: Family, targets: Sequence[Reached], spec: Specification) -> str:
    """List caveats on the numbers of a family's sample complexity."""
    notes = []
    unset = [k for k in family.kappas if not sample_complexity.has_targets(family.at(k))]
    if unset:
        where = fm.listed([fm.level(kappa) for kappa in unset])
        notes.append(f"No target is defined at {where}: no score there is above the random policy.")
    early = [
        f"ε = {epsilon:g} at {fm.level(kappa)}"
        for kappa in family.kappas
        for epsilon in spec.epsilons
        if kappa not in unset
        and sample_complexity.met_before_training(family, kappa, epsilon, spec)
    ]
    if early:
        notes.append(
            f"Half of the runs or more met {fm.listed(early)} before training: such a target says "
            "nothing of learning and is left out here, among the shares and in every comparison."
        )
    if targets and not any(item.seen.hits for item in targets):
        notes.append("No run reached any target.")
    for kappa in family.kappas:
        budgets = [run.budget for run in family.at(kappa)]
        if max(budgets) > 1.5 * min(budgets):
            notes.append(
                f"At {fm.level(kappa)} budgets range from {fm.number(min(budgets))} to "
                f"{fm.number(max(budgets))} steps per agent, and the restricted mean stops at the "
                "smallest: where worse policies have shorter episodes, they also set the budget."
            )
    return " ".join(notes)


def _stationarity(context: ReportContext) -> Section | None:
    family, look, spec = context.family, context.look, context.spec
    if not family.has_stationarity:
        return None
    found = sample_complexity.stationarity_targets(family, spec)
    table = sample_complexity.complexity_table(family, found, spec, stationarity=True)
    both = (curves.stationarity_curves(family, look, spec), table)
    return Section("Stationarity", f"{family.slug}-gradient", both)


def _speedup(context: ReportContext) -> Section | None:
    family = context.family
    if not speedup_section.varies(family):
        return None
    parts, words = speedup_section.parts(family, context.look, context.spec)
    return Section("Speed-up in N and exponent in ε", f"{family.slug}-speedup", parts, words)


def _diagnostics(context: ReportContext) -> Section | None:
    inside = diagnostic_figures(context.family, context.look, context.spec)
    return Section("Diagnostics", f"{context.family.slug}-inside", inside) if inside else None


def _scores(context: ReportContext) -> Section:
    family = context.family
    return Section("Scores", f"{family.slug}-score", [scores.score_table(family, context.spec)])


def _agents(context: ReportContext) -> Section | None:
    family, look, spec = context.family, context.look, context.spec
    if not known(family.runs):
        return None
    single = (agents.agents_figure(family, look, spec), agents.agents_table(family, spec))
    return Section("Agents", f"{family.slug}-agents", single)


def _every_seed(context: ReportContext) -> Section:
    family = context.family
    every = (finals.strip(family, context.look, context.spec), ledger.seed_scores(family))
    return Section("Every seed", f"{family.slug}-every", every)


def _pairs(context: ReportContext) -> Section:
    family, spec = context.family, context.spec
    pairs = paired.paired_table(family, spec), paired.speed_table(family, context.targets, spec)
    return Section("Paired comparison", f"{family.slug}-pairs", pairs)


def _settings(context: ReportContext) -> Section:
    told = [settings(context.family, context.hyperparameters)]
    return Section("Settings", f"{context.family.slug}-settings", told)


def _ledger(context: ReportContext) -> Section:
    return Section("Ledger", f"{context.family.slug}-cost", [ledger.ledger(context.family)])


# In the order of the page; one that has nothing to say of a family is None.
SECTIONS: tuple[Callable[[ReportContext], Section | None], ...] = (
    *(_learning, _complexity, _heterogeneity, _stationarity, _speedup, _diagnostics),
    *(_scores, _agents, _every_seed, _pairs, _settings, _ledger),
)
