"""The tables of docs/clock.md, from the published study `clock`.

`PYTHONPATH=docs python -m making.measured.clock` writes them between their marks;
a test compares.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fedrl.reports.statistics.survival import hitting_time
from making.measured.published_runs import (
    apart,
    chosen,
    normalised,
    over,
    signed,
    standing,
    starred,
    told,
    written,
)
from making.measured.sensitivity import PUBLISHED, markdown

PAGE = Path(__file__).parents[2] / "clock.md"
SHARES = (0.5, 0.75)  # of the way from random to reference, to be kept for three points


@cache
def timed() -> pd.DataFrame:
    """A row per run of `clock`: seconds to shares of the scale, seconds and bits in all."""
    records = pd.read_parquet(PUBLISHED / "clock" / "records.parquet")
    rows = []
    for _, own in records.sort_values("round").groupby(["cell", "seed"], sort=False):
        last = own.iloc[-1]
        score = normalised(own).to_numpy()
        seconds = own["simulated_seconds"].to_numpy()
        row = {"pace": pace(last["clock"]), "algorithm": last["algorithm"], "seed": last["seed"]}
        row |= {"lambda": last["server_step_size"], "alpha": last["alpha"], "final": score[-1]}
        row |= {"seconds": seconds[-1], "path": (seconds, score)}
        for share in SHARES:
            row[f"to {share}"] = hitting_time(seconds, score, share, 3, bool(last["diverged"]))
        rows.append(row)
    found = pd.DataFrame(rows)
    for _, own in found.groupby(["pace", "seed"]):
        until = own["seconds"].min()  # when the first of them has spent its steps
        for at in own.index:
            found.loc[at, "then"] = np.interp(until, *found.at[at, "path"])
            found.loc[at, "wait"] = min(found.at[at, f"to {SHARES[0]}"], until)
    return found


def clock() -> str:
    """Seconds to targets, and scores at the same second and at the same steps."""
    lines = []
    for name in ("constant", "sqrt", "pareto"):
        for algorithm in ("fedpg", "fednigt", "afedpg"):
            own = chosen(timed(), pace=name, algorithm=algorithm)
            base = chosen(timed(), pace=name, algorithm="fednigt")
            first = own["alpha"].iloc[0]
            alpha = "" if pd.isna(first) else f", α {starred('clock', 'alpha', first)}"
            values = f"λ {starred('clock', 'server_step_size', own['lambda'].iloc[0])}{alpha}"
            medians = [median(own[f"to {share}"]) for share in SHARES]
            gain = "" if algorithm == "fednigt" else signed(apart(own, base, "then"), 3)
            scores = told(over(own, "then"), 3), gain, told(over(own, "final"), 3)
            seconds = f"{own['seconds'].mean():.0f}"
            lines.append([name, f"`{algorithm}`", values, seconds, *medians, *scores])
    head = ["pace", "", "chosen", "seconds in all"]
    head += [f"median seconds to {100 * share:.0f} %" for share in SHARES]
    return markdown([*head, "score when the first ends", "Δ to FedNIGT", "final score"], lines)


def clock_words() -> str:
    """AFedPG against FedNIGT, its synchronous core, at the same second."""
    lines = []
    for name in ("constant", "sqrt", "pareto"):
        one, two = (chosen(timed(), pace=name, algorithm=a) for a in ("afedpg", "fednigt"))
        then, end, wait = (apart(one, two, what) for what in ("then", "final", "wait"))
        lines.append(
            f"- `{name}`: to {100 * SHARES[0]:.0f} % FedNIGT needs {two['wait'].mean():.0f} "
            f"seconds, AFedPG {signed(wait, 0)} of them; when the first has spent its steps, "
            f"AFedPG is {standing(then)} FedNIGT, {signed(then, 3)}; after equal steps it is "
            f"{standing(end)} it, {signed(end, 3)}."
        )
    return "\n".join(lines)


def pace(text: Any) -> str:
    """How agents compute, of a setting in words."""
    return str(text).split()[0]


def median(times: Any) -> str:
    """Of runs, some of which may not have got there."""
    value = float(np.median(times))
    return f"{value:.0f}" if np.isfinite(value) else "not reached"


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"answer": clock_words(), "paces": clock()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
