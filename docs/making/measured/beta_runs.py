"""Test runs of the published study `beta`, with the scores on select seeds that chose its values.

Area, final score and steps are per run, as docs/trust/statistics.md has them; differences are to
β = 1 within a seed; intervals redraw whole seeds, with all of their runs.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from fedrl.benchmark.config.tuned.entries import Entry
from fedrl.benchmark.config.tuned.lookup import shipped
from fedrl.benchmark.tuning import shelf
from fedrl.reports.statistics import whole_seeds
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table.outcome import Outcome
from making.measured.sensitivity import PUBLISHED

ALGORITHM = "fedsvrpg-m"
EPSILONS = (0.2, 0.1, 0.05)  # of the score that is still missing to the reference
WINDOW = 3  # evaluation points that a target must hold
RESAMPLES = 4000
NONE = math.inf  # the cap of weights that are not capped
PLACE = ["family", "kappa", "agents"]


class Setting(NamedTuple):
    """The values that a task of the tuning has."""

    beta: float  # weight of fresh gradients
    cap: float = NONE  # of importance weights


FEDPG = Setting(1.0)
Place = tuple[str, float, int]


@cache
def runs() -> Any:
    """A row per test run: its place, β and cap, area, final score and times to targets."""
    records = pd.read_parquet(PUBLISHED / "beta" / "records.parquet")
    rows = []
    for _, own in records.sort_values("round").groupby(["cell", "seed"], sort=False):
        last = own.iloc[-1]
        budget = float(last["budget"])
        run = Outcome.of(
            own["steps_per_agent"].to_numpy(dtype=float),
            own[last["metric"]].to_numpy(dtype=float),
            bool(own["diverged"].any()),
            float(last["random"]),
            float(last["reference"]),
            budget,
        )
        times = {
            f"T {epsilon}": min(
                run.hitting_time(run.reference - epsilon * (run.reference - run.random), WINDOW),
                budget,
            )
            / budget
            for epsilon in EPSILONS
        }
        cap = NONE if pd.isna(last["weight_cap"]) else float(last["weight_cap"])
        rows.append(
            {
                **{name: last[name] for name in (*PLACE, "beta", "seed")},
                **{"cap": cap, "area": run.performance(budget)},
                **{"final": run.normalised(run.final), **times},
            }
        )
    return pd.DataFrame(rows)


def where() -> list[Place]:
    """Every environment of the study."""
    found = runs()[PLACE].drop_duplicates().itertuples(index=False)
    return sorted((str(f), float(k), int(n)) for f, k, n in found)


@cache
def selected() -> dict[tuple[Place, Setting], Entry]:
    """The tuned values of every environment, β and cap."""
    return {
        (
            (family, entry.kappa, entry.agents),
            Setting(entry.settings["beta"], entry.settings.get("weight_cap", NONE)),
        ): entry
        for family, algorithm, entry in shelf.entries(shipped())
        if entry.study == "beta" and algorithm == ALGORITHM
    }


def settings(*, capped: bool) -> list[Setting]:
    """Every β below 1, with weights as they are or capped."""
    found = sorted({setting for _, setting in selected()})
    return [s for s in found if s.beta < 1 and (s.cap < NONE) == capped]


def best(place: Place, *, capped: bool) -> Setting:
    """The β below 1 that was best on the select seeds."""
    return max(settings(capped=capped), key=lambda s: selected()[place, s].score)


def measured(place: Place, setting: Setting, what: str) -> Any:
    """Seed → value of the test runs there."""
    family, kappa, agents = place
    found = runs()
    own = found[
        (found["family"] == family)
        & (found["kappa"] == kappa)
        & (found["agents"] == agents)
        & (found["beta"] == setting.beta)
        & (found["cap"] == setting.cap)
    ]
    return own.set_index("seed")[what].sort_index()


def over(pairs: list[tuple[Place, Setting]], what: str, base: Setting | None = None) -> Estimate:
    """Mean over environments and seeds; with a base, of the difference to it within seeds."""
    found = [measured(*pair, what) for pair in pairs]
    if base is not None:
        found = [
            one - measured(place, base, what) for one, (place, _) in zip(found, pairs, strict=True)
        ]
    assert not any(one.isna().any() for one in found), "a seed is missing"
    seeds = [[int(seed) for seed in one.index] for one in found]
    strata = [one.to_numpy(dtype=float) for one in found]
    return whole_seeds.mean(seeds, strata, seed=0, resamples=RESAMPLES)


def apart(pairs: list[tuple[Place, Setting]], what: str = "area") -> Estimate:
    """Difference to β = 1."""
    return over(pairs, what, FEDPG)
