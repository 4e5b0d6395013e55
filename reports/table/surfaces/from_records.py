"""From the tidy table of a study with a design to one surface per algorithm."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.columns import COORDINATE
from fedrl.reports.table.outcome import Outcome, has_scale, intended
from fedrl.reports.table.records import begun, check, hyperparameters, spelled
from fedrl.reports.table.runs import BEST_HERE
from fedrl.reports.table.surfaces.design import Environment, Surface, coordinates

PLACE = ["family", "kappa", "agents"]


class Designed(NamedTuple):
    """Everything that is compared, and what had to be left out."""

    surfaces: list[Surface]  # by algorithm; all have the same environments
    runs: Any  # a row per run: its last evaluation point, area, reference
    left_out: list[str]  # sentences


def surfaces(records: Any) -> Designed:
    """Raises ValueError where no environment has all of its algorithms' settings."""
    check(records)
    runs, environments = _runs(begun(records))
    names = coordinates(records)
    found: list[Surface] = []
    left: list[str] = []
    seeds = _seeds(runs)
    kept = _environments(runs, seeds)
    inside = {code: environments[code] for code in kept}
    dropped = len(environments) - len(kept)
    if dropped:
        left.append(f"{dropped} environments where fewer than half of the settings were run")
    for algorithm, own in runs.groupby("algorithm", sort=True):
        surface, lost = _surface(str(algorithm), own, names, inside, seeds)
        found.append(surface)
        if lost:
            left.append(f"{lost} settings of {algorithm} that were not run with every seed")
    return Designed(found, runs, left)


def _runs(records: Any) -> tuple[Any, list[Environment]]:
    """One row per run, its last evaluation point, with its environment, budget and performance."""
    rows = records.sort_values(["cell", "seed", "round"]).reset_index(drop=True)
    code = rows.groupby(["cell", "seed"], sort=True).ngroup().to_numpy()
    starts = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    ends = np.append(starts[1:], len(rows))
    runs = rows.iloc[ends - 1].reset_index(drop=True)
    runs["diverged"] = np.logical_or.reduceat(rows["diverged"].to_numpy(dtype=bool), starts)
    named = _named(runs, crossed(records))
    environments = sorted(set(named))
    codes = {environment: code for code, environment in enumerate(environments)}
    runs["environment"] = [codes[environment] for environment in named]
    kinds = runs["cell"].tolist(), runs["environment"].tolist()
    runs["budget"] = intended(runs["steps_per_agent"], runs["diverged"].tolist(), *kinds)
    runs["normalised"] = has_scale(runs["random"], runs["reference"])
    runs["normalised"] = runs.groupby("environment")["normalised"].transform("all")
    scale = runs["reference"].astype(float).where(runs["normalised"])
    runs["reference"], runs["reference_meaning"] = _references(rows, runs)
    common = runs.groupby("environment")["budget"].transform("min").to_numpy()
    scores = rows["objective"].where(rows["metric"] == "objective", rows["return"]).to_numpy(float)
    steps = rows["steps_per_agent"].to_numpy(dtype=float)
    told = zip(runs["diverged"], runs["random"], scale, runs["budget"], strict=True)
    runs["area"] = [
        Outcome(steps[a:b], scores[a:b], *each).performance(budget)
        for a, b, each, budget in zip(starts, ends, told, common, strict=True)
    ]
    whole = runs.groupby("environment")["normalised"].first()
    known = [e._replace(normalised=bool(whole[code])) for code, e in enumerate(environments)]
    return runs, known


def crossed(records: Any) -> list[str]:
    """Columns outside the design in which cells of one place in it differ, besides κ and N."""
    cells = records.drop_duplicates("cell")
    design = [str(c) for c in records.columns if str(c).startswith(COORDINATE)]
    known = [name for name in hyperparameters(records) if not name.startswith(COORDINATE)]
    counts = cells.groupby([*PLACE, "algorithm", *design], dropna=False)[known]
    counts = counts.nunique(dropna=False)
    return [name for name in known if (counts[name] > 1).any()]


def _named(runs: Any, further: Sequence[str]) -> list[Environment]:
    columns = [runs[name].map(spelled).tolist() for name in further]
    rest = list(zip(*columns, strict=True)) if columns else [()] * len(runs)
    places = zip(runs["family"], runs["kappa"], runs["agents"], rest, strict=True)
    return [
        Environment(str(f), float(k), int(n), tuple(zip(further, more, strict=True)))
        for f, k, n, more in places
    ]


def _references(rows: Any, runs: Any) -> tuple[Array, Any]:
    """For curves to be drawn with: without one, the best mean score of a cell there."""
    known = runs["reference"].to_numpy(dtype=float).copy()
    meaning = runs["reference_meaning"].astype(object).copy()
    gap = ~runs["normalised"].to_numpy()
    lost = set(runs.loc[runs["diverged"], "cell"])
    for environment in sorted(set(runs.loc[gap, "environment"])):
        inside = runs["environment"] == environment
        cells = set(runs.loc[inside, "cell"])
        here = rows[rows["cell"].isin(cells - lost or cells)]
        metric = str(here["metric"].iloc[0])
        best = here.groupby(["cell", "round"])[metric].mean().max()
        known[gap & inside] = float(best)
    meaning[gap] = BEST_HERE
    return known, meaning


def _seeds(runs: Any) -> list[int]:
    """Seeds of most cells: one that is under way does not cost the others."""
    counts = runs.groupby("seed")["cell"].nunique()
    return sorted(int(seed) for seed, count in counts.items() if 2 * count >= counts.max())


def _environments(runs: Any, seeds: Sequence[int]) -> list[int]:
    """Where every algorithm has at least half of its settings with all these seeds."""
    wanted = runs[runs["seed"].isin(seeds)]
    full = wanted.groupby(["environment", "algorithm", "cell"])["seed"].nunique() == len(seeds)
    counts = full.groupby(level=[0, 1]).sum().unstack().fillna(0)
    enough = (counts * 2 >= counts.max()) & (counts > 0)
    kept = [int(code) for code in counts.index[enough.all(axis=1)]]
    if not kept:
        raise ValueError(
            "no environment has half of the settings of every algorithm yet; finish the study's "
            "runs, or report a part of it (--only)"
        )
    return kept


def _surface(
    algorithm: str,
    runs: Any,
    names: Sequence[str],
    kept: Mapping[int, Environment],
    seeds: Sequence[int],
) -> tuple[Surface, int]:
    own = tuple(n for n in names if runs[COORDINATE + n].notna().any())
    keys = list(map(tuple, runs[[COORDINATE + n for n in own]].to_numpy(dtype=float).tolist()))
    places = zip(runs["environment"], keys, runs["seed"].astype(int), strict=True)
    found = {place: row for row, place in enumerate(places)}
    everything = sorted(set(keys))
    settings = [s for s in everything if all((e, s, seed) in found for e in kept for seed in seeds)]
    if not settings:
        raise ValueError(f"no setting of {algorithm} was run with every seed in every environment")
    rows = np.array([[[found[e, s, seed] for seed in seeds] for s in settings] for e in kept])
    area, lost = runs["area"].to_numpy(float)[rows], runs["diverged"].to_numpy(bool)[rows]
    cells = tuple(map(tuple, runs["cell"].astype(str).to_numpy(object)[rows[:, :, 0]].tolist()))
    points = np.array(settings, dtype=np.float64).reshape(len(settings), len(own))
    surface = Surface(algorithm, own, points, tuple(kept.values()), area, lost, cells)
    return surface, len(everything) - len(settings)
