"""`fedrl sensitivity`: a study with a design, from its size to its report, in one command."""

from typing import Any

import typer

from fedrl.benchmark.cli import options
from fedrl.benchmark.cli.codes import FAILED_RUNS

AVERAGING = "server_step_size"


def sensitivity(
    study: options.StudyName,
    results: options.Results = options.RESULTS,
    workers: options.Workers = None,
    overrides: options.Set = None,
    only: options.Only = None,
    executor: options.Executor = "local",
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """How much every algorithm owes to its hyperparameters, over all environments of a study.

    Computes what is missing of a study with a table [design], which tries all environments and
    algorithms at the same settings, and writes its report. Φ is what tuning per environment gains
    over one shared setting, as a share of the spread of performances; d the number of
    hyperparameters that have to be tuned to keep 95 % of the performance.

    Examples:

      fedrl sensitivity sensitivity --dry-run

      fedrl sensitivity sensitivity --only family=random-mdp

      fedrl sensitivity my.toml --set seeds=8 --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.config.study_file import StudyError
    from fedrl.benchmark.execution.execution import plan
    from fedrl.benchmark.execution.executors import find
    from fedrl.benchmark.execution.processes import helpers
    from fedrl.benchmark.publishing.publication import publish
    from fedrl.benchmark.sensitivity.summary import summarise

    loaded = load_study(study, overrides or (), only or ())
    if loaded.design is None:
        raise StudyError(
            f"study {loaded.name} has no table [design]; add one, such as [design.space.beta] with "
            "values = [0.1, 0.5], or use `fedrl run`"
        )
    planned = plan(loaded, results, workers, find(executor))
    size = answers.study_size(planned)
    if dry_run:
        told = size | {"design": loaded.design.described(), "settings": _settings(loaded)}
        answers.print_json(told) if as_json else _print_size(size, loaded)
        return
    if not as_json:
        _print_size(size, loaded)
    again = answers.command("sensitivity", study, results, overrides, only)
    summary = answers.computed(planned, results, again)
    for failure in summary.failed:
        answers.say(
            f"failed: {failure.run.config.id} seed {failure.run.seed.index}: {failure.reason}"
        )
    command = answers.rebuilding(study, overrides, only)
    with helpers(workers) as pool:
        published = publish(loaded, results, None, command, pool=pool)
    owed = summarise(published.designed.surfaces) if published.designed is not None else []
    if as_json:
        facts = [_facts(one) for one in owed]
        answers.print_json(
            {"study": loaded.name, "runs": summary.runs, "finished": summary.finished}
            | {"algorithms": facts, "page": str(published.page)}
        )
    else:
        _print_table(owed)
        print(published.page)
    if summary.failed:
        raise typer.Exit(FAILED_RUNS)


def _settings(study: Any) -> dict[str, int]:
    """Settings of the design that each algorithm has."""
    counts: dict[str, set[tuple[float, ...]]] = {}
    for config in study.configs():
        point = study.coordinates[config.id]
        counts.setdefault(config.algorithm, set()).add(tuple(point.values()))
    return {algorithm: len(points) for algorithm, points in counts.items()}


def _print_size(size: dict[str, Any], study: Any) -> None:
    from fedrl.benchmark.cli import answers

    answers.print_study_size(size)
    axes = ", ".join(f"{name} {_axis(name, axis)}" for name, axis in study.design.space.items())
    settings = ", ".join(f"{count} of {name}" for name, count in _settings(study).items())
    print(f"  {'design':18}{study.design.kind} over {axes}")
    print(f"  {'settings':18}{settings}")


def _axis(name: str, axis: Any) -> str:
    """The coordinates, and what relative ones are multiples of."""
    base = "ηK" if name == AVERAGING else "the study's"
    of = f" × {base}" if axis.relative else ""
    if axis.listed is not None:
        return "{" + ", ".join(f"{value:g}" for value in axis.listed) + "}" + of
    return f"in [{axis.low:g}, {axis.high:g}]{of}"


def _facts(one: Any) -> dict[str, Any]:
    phi = one.phi
    numbers = {
        "sensitivity": phi.value,
        "sensitivity_low": phi.low,
        "sensitivity_high": phi.high,
        "sensitivity_plug_in": one.plug_in,
        "dimensionality": one.dimensions,
        "diverged": one.lost / one.pairs,
    }
    known = {name: value if value == value else None for name, value in numbers.items()}  # NaN
    return {
        "algorithm": one.surface.algorithm,
        "settings": len(one.surface.settings),
        "environments": one.environments,
    } | known


def _print_table(owed: list[Any]) -> None:
    """A row per algorithm."""
    from fedrl.benchmark.cli import answers

    headings = ("algorithm", "settings", "environments", "Φ", "95 %", "Φ plug-in", "d", "diverged")
    rows = []
    for one in owed:
        phi, settings = one.phi, str(len(one.surface.settings))
        interval = f"{_number(phi.low, 3)} to {_number(phi.high, 3)}" if phi.low == phi.low else ""
        named = (one.surface.algorithm, settings, str(one.environments), _number(phi.value, 3))
        numbers = (interval, _number(one.plug_in, 3), _number(one.dimensions, 0))
        rows.append((*named, *numbers, f"{100 * one.lost / one.pairs:.1f} %"))
    answers.print_table(headings, rows)
    print("Φ: what tuning per environment gains over one shared setting (0: nothing)")
    print("d: hyperparameters to tune for 95 % of the performance; known for a full grid")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value == value else ""
