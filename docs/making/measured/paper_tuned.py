"""The tables of docs/tuning.md about the published study `paper_tuned`.

`PYTHONPATH=docs python -m making.measured.paper_tuned` writes them between their marks;
a test compares.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fedrl.benchmark.claims.estimands.paired import area_difference
from fedrl.benchmark.claims.evidence import Evidence
from making.measured.published_runs import ends, number, signed, written
from making.measured.sensitivity import interval, markdown, read

PAGE = Path(__file__).parents[2] / "tuning.md"
STUDY, BASE = "paper_tuned", "fedpg"


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


def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"leaderboard": leaderboard(), "gaps": gaps(), "betas": betas()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
