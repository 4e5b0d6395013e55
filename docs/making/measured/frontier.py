"""The tables and the picture of docs/frontier.md, from the published study `frontier`.

`PYTHONPATH=docs python -m making.measured.frontier` writes them; a test compares.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import NullFormatter

from fedrl.reports.drawing import figures as fig
from making.measured.published_runs import (
    apart,
    chosen,
    ends,
    normalised,
    number,
    over,
    signed,
    starred,
    told,
    word,
    written,
)
from making.measured.sensitivity import markdown

PAGE = Path(__file__).parents[2] / "frontier.md"
PICTURE = Path(__file__).parents[2] / "frontier.svg"
COMPRESSIONS = ("none", "top-k", "qsgd", "sign")
RULES = ("mean", "trimmed-mean")
MARKS = {"none": "o", "top-k": "s", "qsgd": "^", "sign": "D"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
WITHOUT = np.inf  # ε


@cache
def runs() -> pd.DataFrame:
    """A row per run: what it was under, its final score, its worst agent, bits and ε."""
    last = ends("frontier")
    agents = last[[c for c in last.columns if c.startswith("agent_score_")]].to_numpy(float)
    scale = (last["reference"] - last["random"]).to_numpy(float)
    low, high = np.percentile(agents, (10, 90), axis=1)
    return pd.DataFrame(
        {
            "compression": [named(text, COMPRESSIONS) for text in last["compression"]],
            "rule": [named(text, RULES) for text in last["aggregator"]],
            "share": [
                liars(text) / n for text, n in zip(last["attack"], last["agents"], strict=True)
            ],
            "epsilon": last["epsilon"].astype(float).fillna(WITHOUT).to_numpy(),
            "seed": last["seed"].to_numpy(),
            "bits": last["bits_up"].to_numpy(float),
            "eta": last["step_size"].to_numpy(float),
            "score": normalised(last).to_numpy(),
            "worst": (agents.min(axis=1) - last["random"]) / scale,
            "range": (high - low) / scale,
        }
    )


def named(text: Any, names: tuple[str, ...]) -> str:
    """Which of the names a setting in words begins with; the first where it is empty."""
    return next((name for name in names if word(text).startswith(name)), names[0])


def liars(text: Any) -> int:
    """How many agents an attack in words has."""
    words = word(text).split()
    return int(words[words.index("agents") + 1]) if words else 0


def levels(name: str) -> list[Any]:
    """The values of an axis, none first."""
    found = sorted(runs()[name].unique())
    return found[::-1] if name == "epsilon" else found


def best() -> str:
    """For every ε and share of liars the best of the eight ways to send and aggregate."""
    lines = []
    for epsilon, share in product(levels("epsilon"), levels("share")):
        ways = [
            (chosen(runs(), compression=c, rule=r, epsilon=epsilon, share=share), c, r)
            for c, r in product(COMPRESSIONS, RULES)
        ]
        own, compression, rule = max(ways, key=lambda way: way[0]["score"].mean())
        plain = next(way for way, c, r in ways if (c, r) == ("none", "mean"))
        bits = f"{own['bits'].iloc[0] / 1e3:.1f}"
        scores = [told(over(own, what), 2) for what in ("score", "worst", "range")]
        gap = "" if own is plain else signed(apart(own, plain, "score"), 2)
        first = "∞" if np.isinf(epsilon) else f"{epsilon:.1f}"
        eta = starred("frontier", "step_size", own["eta"].iloc[0])
        way = f"{compression}, {rule}, η {eta}"
        lines.append([first, f"{100 * share:.0f} %", way, bits, *scores, gap])
    head = ["ε", "Byzantine", "best of eight ways", "kbit up", "score", "worst agent"]
    return markdown([*head, "range of agents", "Δ to uncompressed mean"], lines)


def prices() -> str:
    """What each thing costs by itself, and with what else: differences of scores within seeds."""
    nothing = {"compression": "none", "rule": "mean", "epsilon": WITHOUT, "share": 0.0}
    _, middle, strict = levels("epsilon")
    _, few, many = levels("share")
    trimmed = {"rule": "trimmed-mean"}
    steps = [
        *((f"{c} instead of whole vectors", {"compression": c}, {}) for c in COMPRESSIONS[1:]),
        *((f"ε = {e:.1f} instead of ∞", {"epsilon": e}, {}) for e in (middle, strict)),
        ("trimmed mean, nobody lies", trimmed, {}),
        *(
            (f"trimmed mean of {c}, nobody lies", trimmed, {"compression": c})
            for c in COMPRESSIONS[1:]
        ),
        *(
            (
                f"{100 * many:.0f} % lie: {c} instead of whole vectors",
                {"compression": c},
                {"share": many},
            )
            for c in COMPRESSIONS[1:]
        ),
        *((f"{100 * s:.0f} % lie, mean", {"share": s}, {}) for s in (few, many)),
        *(
            (f"{100 * s:.0f} % lie: trimmed mean, not mean", trimmed, {"share": s})
            for s in (few, many)
        ),
        *(
            (f"{c}, at ε = {strict:.1f}", {"compression": c}, {"epsilon": strict})
            for c in COMPRESSIONS[1:]
        ),
        (f"trimmed mean, at ε = {strict:.1f}", trimmed, {"epsilon": strict}),
        (
            f"{100 * many:.0f} % lie at ε = {strict:.1f}: trimmed mean, not mean",
            trimmed,
            {"epsilon": strict, "share": many},
        ),
    ]
    lines = []
    for title, change, given in steps:
        base = chosen(runs(), **(nothing | given))
        own = chosen(runs(), **(nothing | given | change))
        saved = f"{base['bits'].iloc[0] / own['bits'].iloc[0]:.1f}"
        parts = [signed(apart(own, base, what), 2) for what in ("score", "worst")]
        lines.append([title, number(base["score"].mean(), 2), *parts, saved])
    return markdown(["", "score before", "Δ score", "Δ worst agent", "times fewer bits"], lines)


def fronts() -> str:
    """Ways that no other beats in score with at most their bits and their ε."""
    lines = []
    for share in levels("share"):
        for point in sorted(front(share), key=lambda p: (-p[1], p[0])):
            bits, epsilon, score, compression, rule = point
            budget = "∞" if np.isinf(epsilon) else f"{epsilon:.1f}"
            line = [f"{100 * share:.0f} %", budget, f"{bits / 1e3:.1f}", compression, rule]
            lines.append([*line, number(score, 2)])
    return markdown(["Byzantine", "ε", "kbit up", "compression", "aggregate", "score"], lines)


def points(share: float) -> list[tuple[float, float, float, str, str]]:
    """Bits, ε and mean score of the 24 ways."""
    found = runs()[runs()["share"] == share]
    groups = found.groupby(["compression", "rule", "epsilon"])
    return [
        (float(own["bits"].mean()), float(e), float(own["score"].mean()), str(c), str(r))
        for (c, r, e), own in groups
    ]


def front(share: float) -> list[tuple[float, float, float, str, str]]:
    """The ways that are not dominated."""
    every = points(share)
    return [
        p
        for p in every
        if not any(q[0] <= p[0] and q[1] <= p[1] and q[2] >= p[2] and q[:3] != p[:3] for q in every)
    ]


def picture() -> bytes:
    """A panel per share of liars: score against bits, coloured by ε; the front is ringed."""
    shares, budgets = levels("share"), levels("epsilon")
    with fig.styled():
        figure, axes = fig.tiles(len(shares), len(shares), 2.9, sharey=True)
        for axis, share in zip(axes, shares, strict=True):
            best_there = front(share)
            for point in points(share):
                bits, epsilon, score, compression, rule = point
                colour = COLOURS[budgets.index(epsilon)]
                filled = colour if rule == "trimmed-mean" else "white"
                look = {"marker": MARKS[compression], "color": colour, "linestyle": ""}
                axis.plot(bits, score, markerfacecolor=filled, markersize=5, **look)
                if point in best_there:
                    ring = {"markerfacecolor": "none", "markeredgecolor": "black"}
                    axis.plot(bits, score, marker="o", markersize=10, linestyle="", **ring)
            axis.set_xscale("log")
            axis.set_xticks([2e3, 1e4, 4e4], ["2k", "10k", "40k"])
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_title(f"{100 * share:.0f} % of the agents lie")
        fig.label(axes, "bits an agent sends", "final score, 0 random, 1 reference")
        handles = [
            fig.key(f"ε = {'∞' if np.isinf(e) else f'{e:.1f}'}", color=c, marker="o", linestyle="")
            for e, c in zip(budgets, COLOURS, strict=False)
        ]
        grey = {"color": "#444444", "linestyle": ""}
        handles += [fig.key(name, marker=mark, **grey) for name, mark in MARKS.items()]
        handles += [fig.key("mean", marker="o", markerfacecolor="white", **grey)]
        handles += [fig.key("trimmed mean", marker="o", **grey)]
        handles += [
            fig.key(
                "not dominated",
                marker="o",
                markersize=10,
                linestyle="",
                color="black",
                markerfacecolor="none",
            )
        ]
        fig.legend(figure, handles)
        return fig.saved(figure, "frontier", "", "").svg


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {"best": best(), "prices": prices(), "front": fronts()}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables()), encoding="utf-8")
    PICTURE.write_bytes(picture())
