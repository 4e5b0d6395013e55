"""The sections of one family's chapter, in the order of the page."""

from collections.abc import Callable, Sequence
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


def chapter(context: ReportContext) -> Chapter:
    """Every section that has something to say of this family."""
    family = context.family
    made = [make(context) for make in SECTIONS]
    says = sentences(family, context.targets, context.spec)
    told = [section for section in made if section is not None]
    kept = [*told[:1], *(replace(section, folded=True) for section in told[1:])]
    anchor, name = f"family-{family.slug}", family.name.partition("@")[0]
    return Chapter(family.name, scored(family), anchor, says, kept, name)


def _learning(context: ReportContext) -> Section:
    family, anchor = context.family, f"{context.family.slug}-learning"
    drawn = curves.learning_curves(family, context.look, context.spec)
    shown = explorer(family, context.look, context.spec, anchor)
    return Section("Learning curves", anchor, (shown, drawn))


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


def _stationarity(context: ReportContext) -> Section | None:
    family, spec = context.family, context.spec
    if not family.has_stationarity:
        return None
    found = sample_complexity.stationarity_targets(family, spec)
    table = sample_complexity.complexity_table(family, found, spec, stationarity=True)
    parts = (curves.stationarity_curves(family, context.look, spec), table)
    return Section("Stationarity", f"{family.slug}-gradient", parts)


def _speedup(context: ReportContext) -> Section | None:
    if not speedup_section.varies(context.family):
        return None
    parts, words = speedup_section.parts(context.family, context.look, context.spec)
    title = "Speed-up in N and exponent in ε"
    return Section(title, f"{context.family.slug}-speedup", parts, words)


def _diagnostics(context: ReportContext) -> Section | None:
    parts = tuple(diagnostic_figures(context.family, context.look, context.spec))
    return Section("Diagnostics", f"{context.family.slug}-inside", parts) if parts else None


def _scores(context: ReportContext) -> Section:
    family = context.family
    return Section("Scores", f"{family.slug}-score", [scores.score_table(family, context.spec)])


def _agents(context: ReportContext) -> Section | None:
    family, spec = context.family, context.spec
    if not known(family.runs):
        return None
    parts = (agents.agents_figure(family, context.look, spec), agents.agents_table(family, spec))
    return Section("Agents", f"{family.slug}-agents", parts)


def _seeds(context: ReportContext) -> Section:
    family = context.family
    parts = (finals.strip(family, context.look, context.spec), ledger.seed_scores(family))
    return Section("Every seed", f"{family.slug}-every", parts)


def _pairs(context: ReportContext) -> Section:
    family, spec = context.family, context.spec
    parts = (paired.paired_table(family, spec), paired.speed_table(family, context.targets, spec))
    return Section("Paired comparison", f"{family.slug}-pairs", parts)


def _settings(context: ReportContext) -> Section:
    table = settings(context.family, context.hyperparameters)
    return Section("Settings", f"{context.family.slug}-settings", [table])


def _ledger(context: ReportContext) -> Section:
    return Section("Ledger", f"{context.family.slug}-cost", [ledger.ledger(context.family)])


# The order of the page. A further section is a function here; it returns None to be left out.
SECTIONS: tuple[Callable[[ReportContext], Section | None], ...] = (
    _learning,
    _complexity,
    _heterogeneity,
    _stationarity,
    _speedup,
    _diagnostics,
    _scores,
    _agents,
    _seeds,
    _pairs,
    _settings,
    _ledger,
)


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
