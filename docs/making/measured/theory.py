"""The tables of docs/theory.md, from those of the published studies `theory…`.

`PYTHONPATH=docs python -m making.measured.theory` writes them between their marks in
the page; a test compares.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pandas as pd

from fedrl.benchmark.publishing.opened import folder_of
from fedrl.reports.speedup.grids import fitted, grids
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.records import families
from fedrl.reports.table.specification import Specification
from making.measured.sensitivity import ALGORITHMS, Row, interval, markdown, number, read

PAGE = Path(__file__).parents[2] / "theory.md"
GRADIENT, GOOD, SCORE = "‖∇J‖²", "‖∇J‖², score", "score"
ONE, EACH = "nothing", "N and ε"  # what the step size is chosen per
THEORY, SCHEDULE, TUNED = "theory", "theory_schedule", "theory_tuned"
SIZES, SIZED = "paper_sizes", ("gridworld", "random-mdp", "cartpole")
TRIED = {THEORY: "η, β", SCHEDULE: "L, s", TUNED: "η, β, K"}
MARK = "<!-- table: {name} -->"


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {
        "gradient": exponents("random-mdp", GRADIENT),
        "score": exponents("random-mdp", SCORE),
        "good": exponents("random-mdp", GOOD),
        "efficiency": efficiency(),
        "opposed": exponents("opposed-pair", SCORE),
        "gridworld": exponents("gridworld", SCORE),
        "tuned-score": exponents("random-mdp", SCORE, TUNED),
        "tuned-good": exponents("random-mdp", GOOD, TUNED),
        "schedule-score": exponents("random-mdp", SCORE, SCHEDULE),
        "schedule-good": exponents("random-mdp", GOOD, SCHEDULE),
        "sizes": sizes(),
    }


@cache
def fitted_tables() -> dict[str, str]:
    """Name to Markdown of tables whose fits take half a minute."""
    return {"one-k": slopes_at_one_k()}


def slopes_at_one_k() -> str:
    """b for score targets where K is not tuned, on the seeds and numbers of agents of the study."""
    frame = pd.read_parquet(folder_of(TUNED) / "records.parquet")
    counts = sorted(int(k) for k in frame["local_steps"].unique())
    kept = {f"K = {k}": frame[frame["local_steps"] == k] for k in counts} | {"K tuned": frame}
    found = {name: _slopes(part) for name, part in kept.items()}
    lines = [
        [f"`{name}`", *(fm.estimated(own[name], 2) for own in found.values())]
        for name in ALGORITHMS
    ]
    return markdown(["random-mdp", *(f"{name}: b" for name in found)], lines)


def _slopes(frame: pd.DataFrame) -> dict[str, Estimate]:
    (family,) = families(frame, Presentation())
    spec = Specification()
    found = grids(family, spec, [SCORE])
    return {grid.algorithm: fitted(family, grid, EACH, spec).fit.slope for grid in found}


def exponents(family: str, criterion: str, study: str = THEORY) -> str:
    """b and ρ of every algorithm; final and edge are of what is chosen per N and ε."""
    rows = [row for row in read(study, f"{family}-tuned") if row["criterion"] == criterion]
    own = {(row["algorithm"], row["tuned"]): row for row in rows}
    lines = [_line(name, own[name, ONE], own[name, EACH]) for name in ALGORITHMS]
    tried = TRIED[study]
    slopes = f"one {tried} for all: b", f"{tried} per N and ε: b", "b ∈ [−1.1, −0.9]"
    return markdown([family, *slopes, "ρ", "hits", "final", "edge"], lines)


def _line(name: str, one: Row, each: Row) -> list[str]:
    numbers = interval(one, "slope"), interval(each, "slope"), each["verdict"]
    hits = f"{each['hits']}/{each['attempts']}"
    edge = f"{100 * float(each['edge']):.0f} %"
    return [f"`{name}`", *numbers, interval(each, "exponent"), hits, number(each["final"]), edge]


def sizes() -> str:
    """b and E(N) for score targets at values that were tuned for every N, on other seeds."""
    counts, lines = (2, 4, 8, 16), []
    for family in SIZED:
        slopes, owed = (read(SIZES, f"{family}-{table}") for table in ("speedup", "efficiency"))
        for slope, row in zip(slopes, owed, strict=True):
            shares = [interval(row, f"efficiency_{n}") for n in counts]
            hits = f"{slope['hits']}/{slope['attempts']}"
            lines.append([family, slope["series"], interval(slope, "slope"), *shares, hits])
    return markdown(["", "", "b", *(f"E({n})" for n in counts), "hits"], lines)


def sizes_words() -> str:
    """What the table of `sizes` says, in words that its numbers give."""
    slopes = [row for f in SIZED for row in read(SIZES, f"{f}-speedup")]
    steepest = number(min(float(row["slope_low"]) for row in slopes))
    shallowest = number(max(float(row["slope_high"]) for row in slopes))
    left = [
        number(row["efficiency_16"])
        for f in SIZED
        for row in read(SIZES, f"{f}-efficiency")
        if row["series"] == "FedPG"
    ]
    frame = pd.read_parquet(folder_of(SIZES) / "records.parquet")
    cells = frame[frame["algorithm"] == "fedsvrpg-m"].drop_duplicates("cell")
    fresh = int((cells["beta"] == 1).sum())
    return (
        f"Intervals of b reach from {steepest} to {shallowest}: more agents help every algorithm "
        "in every family, and\nless than linearly. Of FedPG's efficiency sixteen agents leave "
        f"{', '.join(left)}. FedSVRPG-M has nearly\nFedPG's numbers, since β = 1, which is FedPG, "
        f"won {fresh} of its {len(cells)} tasks."
    )


def efficiency() -> str:
    """E(N) for score targets under step sizes chosen per N and ε."""
    rows = [
        row
        for row in read("theory", "random-mdp-tuned-efficiency")
        if (row["criterion"], row["tuned"]) == (SCORE, EACH)
    ]
    own = {row["algorithm"]: row for row in rows}
    counts = (2, 4, 8, 16, 32, 64)
    lines = [
        [f"`{name}`", *(interval(own[name], f"efficiency_{n}") for n in counts)]
        for name in ALGORITHMS
    ]
    return markdown(["random-mdp", *(f"E({n})" for n in counts)], lines)


def written(text: str, found: dict[str, str]) -> str:
    """The page with these tables behind their marks."""
    for name, table in found.items():
        mark = MARK.format(name=name)
        text = re.sub(rf"{re.escape(mark)}\n(?:\n(?:\|.*\n)+)?", f"{mark}\n\n{table}\n", text)
    return text


if __name__ == "__main__":
    every = tables() | fitted_tables()
    PAGE.write_text(written(PAGE.read_text("utf-8"), every), encoding="utf-8")
