"""The tables of docs/personal.md, from the published study `personal`.

`PYTHONPATH=docs python -m making.measured.personal` writes them between their marks;
a test compares.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from fedrl.reports.table.columns import AGENT
from making.measured.published_runs import (
    apart,
    chosen,
    ends,
    listed,
    over,
    signed,
    starred,
    told,
    word,
    written,
)
from making.measured.sensitivity import markdown

PAGE = Path(__file__).parents[2] / "personal.md"
WAYS = {
    ("fedpg", "", ""): "all shared (FedPG)",
    ("fedpg", "head", ""): "head personal (FedPG)",
    ("fedpg", "hidden-1", ""): "first layer personal (FedPG)",
    ("fedrep-pg", "head", ""): "head personal (FedRep-PG)",
    ("ditto-pg", "", "1"): "own copy, μ = 1 (Ditto-PG)",
    ("ditto-pg", "", "100"): "own copy, μ = 100 (Ditto-PG)",
    ("independent-pg", "", ""): "nothing shared",
}
SHARED, ALONE = "all shared (FedPG)", "nothing shared"


@cache
def people() -> pd.DataFrame:
    """A row per run of `personal`: way, κ, seed, the final score of every agent and its η."""
    last = ends("personal")
    agents = [c for c in last.columns if c.startswith(AGENT)]
    rows = []
    for _, row in last.iterrows():
        mu = "" if pd.isna(row.get("mu")) else f"{row['mu']:g}"
        key = (row["algorithm"], word(row["personal"]).strip('[]"'), mu)
        found = row[agents].to_numpy(float)
        low, high = np.percentile(found, (10, 90))
        rows.append(
            {"way": WAYS[key], "kappa": row["kappa"], "seed": row["seed"], "eta": row["step_size"]}
            | {"mean": found.mean(), "worst": found.min(), "range": high - low, "each": found}
            | {"short": row["reference"] - found.mean()}
        )
    return pd.DataFrame(rows)


def personal() -> str:
    """Every way at every κ: mean, worst agent, range over agents, gains, what is missing to 100."""
    lines = []
    for kappa in sorted(people()["kappa"].unique()):
        for way in WAYS.values():
            own = chosen(people(), way=way, kappa=kappa)
            gains = []
            for other in (SHARED, ALONE):
                base = chosen(people(), way=other, kappa=kappa)
                gains.append(signed(apart(own, base, "mean"), 1) if way != other else "")
            parts = [told(over(own, what), 1) for what in ("mean", "worst", "range")]
            eta = starred("personal", "step_size", own["eta"].iloc[0])
            lines.append([f"{kappa:g}", way, eta, *parts, *gains, told(over(own, "short"), 1)])
    head = ["κ", "", "η", "mean", "worst agent", "range of agents"]
    head += ["gain over all shared", "gain over nothing shared", "short of the own optimum"]
    return markdown(head, lines)


def personal_words() -> str:
    """Who is ahead of whom at every κ."""
    lines = []
    for kappa in sorted(people()["kappa"].unique()):
        found, worst = {}, {}
        for way in WAYS.values():
            own, base = (chosen(people(), way=w, kappa=kappa) for w in (way, SHARED))
            found[way], worst[way] = (apart(own, base, what) for what in ("mean", "worst"))
        ahead = [way for way, gain in found.items() if gain.low > 0]
        behind = [way for way, gain in found.items() if gain.high < 0]
        best = [way for way, gain in worst.items() if gain.low > 0]
        lines.append(
            f"- κ = {kappa:g}: ahead of sharing everything: {listed(ahead)}; behind it: "
            f"{listed(behind)}. Of the worst agent ahead: {listed(best)}."
        )
    return "\n".join(lines)


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"answer": personal_words(), "ways": personal()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
