"""The tables of docs/tuning.md about the published study `paper_tuned`.

`PYTHONPATH=docs python -m making.measured.paper_tuned` writes them between their marks;
a test compares.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

import pandas as pd

from fedrl.benchmark.claims.estimands.paired import area_difference
from fedrl.benchmark.claims.evidence import Evidence
from fedrl.reports.table.outcome import Outcome
from making.measured.published_runs import ends, number, over, signed, written
from making.measured.sensitivity import PUBLISHED, interval, markdown, read

PAGE = Path(__file__).parents[2] / "tuning.md"
STUDY, BASE, BY_HAND = "paper_tuned", "fedpg", "paper"
BETA = 0.2  # by hand
KEY = ["family", "kappa", "algorithm", "seed"]


def leaderboard() -> str:
    """Its leaderboard, in short."""
    rows = [
        [
            f"`{row['series']}`",
            *(interval(row, name) for name in ("area", "final", "rank_by_steps")),
            *(f"{100 * float(row[f'share_{epsilon}']):.0f} %" for epsilon in ("0.1", "0.05")),
        ]
        for row in read(STUDY, "leaderboard")
    ]
    return markdown(["", "area", "final score", "mean rank by steps", "to 90 %", "to 95 %"], rows)


@cache
def gaps() -> str:
    """Area less FedPG's within seeds, over all κ of a family; bold where 0 is outside."""
    runs, evidence = ends(STUDY), Evidence(STUDY)
    names = list(dict.fromkeys(runs["family"]))
    rows = []
    for algorithm in dict.fromkeys(runs["algorithm"]):
        if algorithm == BASE:
            continue
        asked = [{"algorithm": algorithm, "against": BASE, "family": name} for name in names]
        found = [area_difference(evidence, options, 0.95).found for options in asked]
        rows.append([f"`{algorithm}`", *(signed(gap, 3) for gap in found)])
    return markdown(["less FedPG's", *names], rows)


def betas() -> str:
    """The β that tuning chose, per family in the order of κ."""
    runs = ends(STUDY).dropna(subset=["beta"])
    names = list(dict.fromkeys(runs["family"]))
    rows = []
    for algorithm, own in runs.groupby("algorithm", sort=False):
        cells = []
        for name in names:
            here = own[own["family"] == name].groupby("kappa")["beta"].first()
            cells.append(", ".join(number(beta, 2) for beta in here))
        rows.append([f"`{algorithm}`", *cells])
    return markdown(["β", *names], rows)


@cache
def hands() -> str:
    """Area at values by hand and at tuned values, N = 4, per algorithm and family."""
    given, tuned = (_outcomes(study) for study in (BY_HAND, STUDY))
    rows = []
    for key in sorted(given.keys() & tuned.keys()):
        # Steps that both runs of a pair took: rounds by hand are many or few steps.
        budget = min(given[key].budget, tuned[key].budget)
        areas = (run[key].performance(budget) for run in (given, tuned))
        rows.append((*key, *areas))
    names = ["family", "kappa", "algorithm", "seed", "given", "tuned"]
    mean = pd.DataFrame(rows, columns=names).groupby(["family", "algorithm", "seed"]).mean()
    gaps = mean.assign(gap=mean["tuned"] - mean["given"])
    cells = []
    for algorithm, family in product(
        *(dict.fromkeys(ends(STUDY)[n]) for n in ("algorithm", "family"))
    ):
        own = gaps.loc[family, algorithm]
        areas = [number(own[name].mean(), 3) for name in ("given", "tuned")]
        cells.append([f"`{algorithm}`", family, *areas, signed(over(own, "gap"), 3)])
    return markdown(["", "", "by hand", "tuned", "tuned − by hand"], cells)


def _outcomes(study: str) -> dict[tuple[str, float, str, int], Outcome]:
    """Every run with four agents; β by hand is what papers would call the usual one."""
    records = pd.read_parquet(PUBLISHED / study / "records.parquet")
    usual = records["beta"].isna() | (records["beta"] == BETA) | (study == STUDY)
    found = {}
    for key, rows in records[usual & (records["agents"] == 4)].groupby(KEY):
        run = rows.sort_values("round")
        last = run.iloc[-1]
        steps = run["steps_per_agent"].to_numpy(float)
        scores = run[last["metric"]].to_numpy(float)
        bounds = float(last["random"]), float(last["reference"]), float(steps[-1])
        found[key] = Outcome.of(steps, scores, bool(last["diverged"]), *bounds)
    return found


def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"leaderboard": leaderboard(), "gaps": gaps(), "betas": betas(), "hands": hands()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
