"""The tables and findings of docs/stability.md, from `stability` and `stability_changes`.

`PYTHONPATH=docs python -m making.measured.stability` writes them between their marks;
a test compares.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from making.measured.published_runs import number, word, written
from making.measured.sensitivity import PUBLISHED, markdown

PAGE = Path(__file__).parents[2] / "stability.md"
RUN = ["algorithm", "horizon", "step_size", "weight_cap", "initial_momentum", "seed"]
CHANGES = {
    "unchanged": "none",
    "beta": "β = 0.8",
    "per-decision": "`per_decision`",
    "episodes": "`episodes = 40`",
    "bounded": "`clip_norm = 100`",
}
HESSIAN = ["fedhapg-m", "fedhapg-m2"]
KEPT = 10  # rounds after the fall that a run must have for what comes after it


@cache
def stories(study: str) -> pd.DataFrame:
    """A row per run: how it ended, and what was inside before and at its steepest fall."""
    records = pd.read_parquet(PUBLISHED / study / "records.parquet")
    rows = []
    for _, own in records.groupby(["cell", "seed"], sort=False):
        own = own.set_index("round").sort_index()
        first = own.iloc[0]
        score = own["return"]
        inside = own.filter(like="diagnostic_").rename(columns=lambda name: name[11:])
        fall = int(score.diff().idxmin())  # the round that lost most
        before = inside.loc[max(fall - 5, 1) : fall - 1].mean().add_suffix(" before")
        at = inside.loc[fall - 1 : fall + 1].max().add_suffix(" at")
        best, final = score.max(), score.iloc[-5:].mean()
        row = {name: first[name] for name in RUN} | {"family": first["family"]}
        row |= {"best": best, "final": final, "collapsed": bool(final < best / 2)}
        row |= {"entropy end": inside["entropy"].iloc[-5:].mean(), **before, **at}
        if fall <= score.index[-1] - KEPT:  # by how much the momentum shrinks per round after it
            momentum = inside["momentum_norm"]
            row["shrink"] = (momentum[fall + KEPT] / momentum[fall + 1]) ** (1 / (KEPT - 1))
        rows.append(row)
    found = pd.DataFrame(rows)
    found["cap"] = found["weight_cap"].map(lambda cap: "–" if word(cap) in ("", "none") else "2")
    found["jump"] = found["momentum_norm at"] / found["momentum_norm before"]
    return found


def numbers() -> str:
    """Where something collapses: every algorithm, both u_0 pooled."""
    every = stories("stability")
    lines = []
    for (horizon, eta), place in every.groupby(["horizon", "step_size"]):
        if not place["collapsed"].any():
            continue
        for (algorithm, cap), own in place.groupby(["algorithm", "cap"], sort=False):
            values = [
                *((own[f"{n} before"].mean(), 2) for n in ("weight_mean", "weight_ess")),
                *((own[f"{n} before"].mean(), 0) for n in ("direction_norm", "momentum_norm")),
                (own["cosine before"].mean(), 2),
                *((own[f"{n} at"].mean(), 0) for n in ("weight_max", "momentum_norm")),
            ]
            cells = ["–" if pd.isna(value) else number(value, n) for value, n in values]
            line = [f"`{algorithm}`", cap, f"{horizon:g}", f"{eta:g}", share(own), path(own)]
            lines.append([*line, *cells])
    head = ["algorithm", "cap", "T", "η", "collapsed", "best → final", "E w", "ESS"]
    head += ["‖u_{r,k}‖", "‖u_{r+1}‖", "cosine", "max w at", "‖u_{r+1}‖ at"]
    return markdown(head, lines)


def shares() -> str:
    """Runs that collapsed, all cells, by u_0 and by the cap."""
    every = stories("stability")
    lines = []
    for algorithm, own in every.groupby("algorithm", sort=False):
        first = [own[own["initial_momentum"] == kind] for kind in ("zero", "batch")]
        capped = [own[own["cap"] == cap] for cap in ("–", "2")]
        lines.append([f"`{algorithm}`", *map(share, [*first, *capped])])
    return markdown(["", "u_0 = 0", "u_0 from a batch", "no cap", "cap 2"], lines)


def changes() -> str:
    """One change at a time."""
    every = stories("stability_changes")
    ways = list(dict.fromkeys(zip(every["algorithm"], every["cap"], strict=True)))
    lines = []
    for name, said in CHANGES.items():
        line = [said]
        for algorithm, cap in ways:
            same = every["family"].str.endswith(f"@{name}") & (every["cap"] == cap)
            own = every[same & (every["algorithm"] == algorithm)]
            line.append(f"{share(own)}, {path(own)}")
        lines.append(line)
    capped = [f"`{name}`" + ", cap 2" * (cap != "–") for name, cap in ways]
    return markdown(["change", *capped], lines)


def words() -> str:
    """What the runs say, with its counts."""
    every = stories("stability")
    hessian = every[every["algorithm"].isin(HESSIAN)]
    places = [
        f"{share(own)} at η = {eta:g}, T = {horizon:g}"
        for (horizon, eta), own in hessian.groupby(["horizon", "step_size"])
    ]
    others = every[every["algorithm"] != "fedpg"]
    fell, stayed = others[others["collapsed"]], others[~others["collapsed"]]
    late = fell.dropna(subset=["shrink"])
    jumps = [
        f"{number(own['jump'].median(), 1)} (`{name}`)"
        for name, own in fell.groupby("algorithm", sort=False)
    ]
    ratio = (fell["direction_norm before"] / fell["momentum_norm before"]).median()
    flat = int((late["entropy end"] < 0.1).sum())
    return "\n".join(
        [
            "- Step size and horizon, the two Hessian-aided algorithms together: "
            f"{'; '.join(places)}. FedPG: {share(every[every['algorithm'] == 'fedpg'])}.",
            "- Momentum at the steepest fall, as a multiple of the five rounds before, median of "
            f"collapsed runs: {', '.join(jumps)}; of runs that did not collapse "
            f"{number(stayed['jump'].median(), 2)}.",
            f"- In the {KEPT} rounds after the fall the momentum shrinks by a factor of "
            f"{number(late['shrink'].median(), 2)} per round (median of {len(late)} collapsed runs "
            "that have these rounds); 1 − β is 0.8.",
            f"- Of these {len(late)} runs {flat} end with a mean entropy below 0.1: a policy that "
            "is nearly deterministic, and wrong.",
            "- Before the fall, in collapsed runs, local directions are "
            f"{number(ratio, 1)} times as long as the momentum, and the cosine between agents' "
            f"mean directions is {number(fell['cosine before'].median(), 2)} (medians).",
        ]
    )


def share(own: pd.DataFrame) -> str:
    """Collapsed runs of all; a dash where there are none."""
    return f"{int(own['collapsed'].sum())}/{len(own)}" if len(own) else "–"


def path(own: pd.DataFrame) -> str:
    """Mean best return → mean return of the last five rounds."""
    return f"{number(own['best'].mean(), 0)} → {number(own['final'].mean(), 0)}"


def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"numbers": numbers(), "shares": shares(), "changes": changes(), "words": words()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
