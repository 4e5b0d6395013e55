"""All tuned values in some folders as a table, for people and for docs/tuning.md."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from fedrl.benchmark.config.spaces.parameter import Parameter, Values, edges, worded
from fedrl.benchmark.config.tuned.entries import Entry, pair_of, read
from fedrl.benchmark.tuning import tested
from fedrl.benchmark.tuning.variance import spread_of
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table.formatting import piped

HEADINGS = (
    *("family", "κ", "N", "algorithm", "values", "score", "95 % interval", "on test seeds"),
    *("diverged", "trials", "steps of tuning"),
)


LEGEND = "*: at an end of the range that was searched; a wider one may hold better values"


def entries(folder: Path) -> list[tuple[str, str, Entry]]:
    """(family, algorithm, entry) of every file in the folder."""
    found = [(pair_of(path), read(path)) for path in sorted(folder.glob("*/*.toml"))]
    return [(*pair, entry) for pair, own in found for entry in own]


def facts(family: str, algorithm: str, entry: Entry) -> dict[str, Any]:
    """One entry for programs, without its trials."""
    return {
        **{"family": family, "kappa": entry.kappa, "agents": entry.agents},
        **{"algorithm": algorithm, "values": entry.values, "on_edge": on_edge(entry)},
        **{"score": entry.score, "interval": entry.interval, "diverged": entry.diverged},
        **{"select_seeds": entry.select_seeds, "trials": len(entry.trials)},
        **{"steps": entry.steps, "study": entry.study, "budget": entry.budget},
    }


def on_edge(entry: Entry) -> list[str]:
    """Values at an end of the range they were searched in."""
    if entry.edges is not None:
        return entry.edges
    space = tuple(Parameter(**described.model_dump()) for described in entry.space)
    return edges(space, entry.values)  # a file of before ranges had units


def is_of_grid(entry: Entry) -> bool:
    """Whether every combination of levels was tried."""
    return all("levels" in described.model_fields_set for described in entry.space)


def markdown(folder: Path, records: Any = None) -> str:
    """A table per study; then what repeating the tuning gave, where that was done.

    With the tidy table of studies that used the values, their scores on test seeds as well. Values
    of a grid are one of many per task, for a study of its own, and left out.
    """
    found = [one for one in entries(folder) if not is_of_grid(one[2])]
    tests = (
        {id(one[2]): tested.score(records, *one) for one in found} if records is not None else {}
    )
    parts = []
    for study in sorted({entry.study for _, _, entry in found}):
        own = [one for one in found if one[2].study == study]
        parts += [
            f"### Study `{study}`\n",
            piped(HEADINGS, [row(*one, tests.get(id(one[2]))) for one in own]),
        ]
        known = [(one[2], test) for one in own if (test := tests.get(id(one[2]))) is not None]
        if known:
            parts.append(told_optimism(tested.optimism(known)))
    repeated = [one for one in found if one[2].repeats]
    if repeated:
        heading = ("family", "κ", "N", "algorithm", "tuner", "values", "score", "95 % interval")
        rows = [row for one in repeated for row in _repeats(*one)]
        parts += ["### Repeated tuning\n", piped(heading, rows)]
    return "\n".join(parts)


def told_optimism(found: tested.Optimism) -> str:
    """Say how much too good the scores on select seeds are."""
    return (
        f"{found.tasks} of these values were run on test seeds as well: the scores on select "
        f"seeds are higher by {found.mean:.3f} in the mean, and in {found.below} of {found.tasks} "
        "the mean on test seeds is below their interval.\n"
    )


def row(family: str, algorithm: str, entry: Entry, test: Estimate | None = None) -> tuple[str, ...]:
    """One entry as text."""
    beside = "" if test is None else f"{test.value:.4g} {_interval(test[1:])}"
    values, score, bounds, lost, steps = worded_result(
        *(on_edge(entry), entry.values, entry.score, entry.interval),
        *(entry.diverged, entry.select_seeds, entry.steps),
    )
    return (
        *(family, f"{entry.kappa:g}", str(entry.agents), f"`{algorithm}`", values, score, bounds),
        *(beside, lost, str(len(entry.trials)), steps),
    )


def worded_result(
    ends: Collection[str],
    values: Values,
    score: float,
    bounds: Sequence[float],
    diverged: int,
    seeds: int,
    steps: int,
) -> tuple[str, ...]:
    """Values, score, interval, diverged runs and cost as text; a star marks an end of a range."""
    return (
        *(worded(values, ends), f"{score:.4g}", _interval(bounds)),
        *(f"{diverged}/{seeds}", f"{steps:,}"),
    )


def _repeats(family: str, algorithm: str, entry: Entry) -> list[tuple[str, ...]]:
    named = (family, f"{entry.kappa:g}", str(entry.agents), f"`{algorithm}`")
    rows = [
        (
            *(*named, str(one.tuner)),
            worded(one.values, ()),
            *(f"{one.score:.4g}", _interval(one.interval)),
        )
        for one in entry.repeats
    ]
    spread = spread_of([r.score for r in entry.repeats], [r.values for r in entry.repeats])
    ranges = ", ".join(f"{n} {low:g} … {high:g}" for n, (low, high) in spread.values.items())
    summary = f"{spread.mean:.4g} ± {spread.deviation:.2g}"
    return [*rows, (*named, "all", ranges, summary, f"{spread.low:.4g} … {spread.high:.4g}")]


def _interval(bounds: Sequence[float]) -> str:
    return f"[{bounds[0]:.4g}, {bounds[1]:.4g}]"
