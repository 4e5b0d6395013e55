"""The tables of docs/beta.md; a test compares them with the page.

`PYTHONPATH=docs python -m making.measured.beta` prints them.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from fedrl.benchmark.tuning import shelf
from fedrl.reports.statistics.estimates import Estimate
from making.measured.beta_runs import (
    EPSILONS,
    FEDPG,
    NONE,
    Place,
    Setting,
    apart,
    best,
    measured,
    over,
    selected,
    settings,
    where,
)
from making.measured.sensitivity import markdown

TITLES = (("weights as they are", False), ("weights capped at 2", True))


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    parts = {"chosen": chosen(), "places": places(), "values": values(), "small ε": small()}
    return {"verdict": verdict(), **parts}


def verdict() -> str:
    """The answer in a sentence per kind of weights."""
    lines = []
    for title, capped in TITLES:
        pairs = [(place, best(place, capped=capped)) for place in where()]
        found, single = apart(pairs), [apart([pair]) for pair in pairs]
        word = (
            "ahead of" if found.low > 0 else "behind" if found.high < 0 else "not told apart from"
        )
        lines.append(
            f"- With {title}, the best β below 1 is **{word}** β = 1 over the {len(pairs)} "
            f"environments: Δ area {signed(found)}; alone, it is ahead in "
            f"{sum(one.low > 0 for one in single)} of them and behind in "
            f"{sum(one.high < 0 for one in single)}."
        )
    return "\n".join(lines)


def chosen() -> str:
    """The β below 1 that select seeds chose for every environment, against β = 1, over all."""
    lines = []
    for title, capped in TITLES:
        pairs = [(place, best(place, capped=capped)) for place in where()]
        lines.append(
            [
                title,
                estimate(over(pairs, "area")),
                *(signed(apart(pairs, what)) for what in ("area", "final")),
                *(signed(apart(pairs, f"T {e}")) for e in EPSILONS),
            ]
        )
    base = [(place, FEDPG) for place in where()]
    lines.append(["β = 1, FedPG", estimate(over(base, "area")), *[""] * (2 + len(EPSILONS))])
    head = ["", "area", "Δ area", "Δ final", *(f"Δ T, ε = {e:g}" for e in EPSILONS)]
    return markdown(head, lines)


def places() -> str:
    """Every environment: the best β below 1 and its settings, against β = 1."""
    lines = []
    for place in where():
        setting = max(
            (best(place, capped=capped) for capped in (False, True)),
            key=lambda s: selected()[place, s].score,
        )
        family, kappa, agents = place
        lines.append(
            [
                f"{family}, κ = {kappa:g}, N = {agents}",
                told(place, FEDPG),
                number(over([(place, FEDPG)], "area").value),
                told(place, setting),
                number(over([(place, setting)], "area").value),
                *(signed(apart([(place, setting)], what)) for what in ("area", "final", "T 0.1")),
            ]
        )
    head = ["", "β = 1 at", "area", "best β < 1, at", "area", "Δ area", "Δ final", "Δ T, ε = 0.1"]
    return markdown(head, lines)


def values() -> str:
    """Every β over all environments, each at its best η, λ and K there."""
    lines = []
    for capped in (False, True):
        for setting in settings(capped=capped):
            pairs = [(place, setting) for place in where()]
            wins = sum(apart([pair]).low > 0 for pair in pairs)
            losses = sum(apart([pair]).high < 0 for pair in pairs)
            name = f"{setting.beta:g}" + (f", cap {setting.cap:g}" if capped else "")
            found = (signed(apart(pairs, what)) for what in ("area", "final", "T 0.1"))
            lines.append([name, estimate(over(pairs, "area")), *found, str(wins), str(losses)])
    head = [
        "β",
        "area",
        "Δ area",
        "Δ final",
        "Δ T, ε = 0.1",
        "ahead in",
        f"behind in, of {len(where())}",
    ]
    return markdown(head, lines)


def small() -> str:
    """Share of runs that reach and hold a target, at β = 1 and at the best β below 1."""
    lines = []
    for family in sorted({place[0] for place in where()}):
        own = [place for place in where() if place[0] == family]
        line = [family]
        for epsilon in EPSILONS:
            for pairs in ([(p, FEDPG) for p in own], [(p, best(p, capped=False)) for p in own]):
                times = np.concatenate([measured(*pair, f"T {epsilon}") for pair in pairs])
                line.append(f"{100 * float((times < 1).mean()):.0f} %")
        lines.append(line)
    head = ["", *(f"{s}, ε = {e:g}" for e in EPSILONS for s in ("β = 1", "best β < 1"))]
    return markdown(head, lines)


def told(place: Place, setting: Setting) -> str:
    """η has a star where it is an end of the grid."""
    entry = selected()[place, setting]
    eta, steps = entry.values["step_size"], int(entry.values["local_steps"])
    ratio = entry.values["server_step_size"] / (eta * steps)
    end = "*" * ("step_size" in shelf.on_edge(entry))
    cap = f", cap {setting.cap:g}" if setting.cap < NONE else ""
    beta = f"β {setting.beta:g}{cap}, " if setting != FEDPG else ""
    return f"{beta}η {eta:g}{end}, λ {ratio:g} ηK, K {steps}"


def estimate(found: Estimate) -> str:
    """0.12 [0.10, 0.15]"""
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def signed(found: Estimate) -> str:
    """+0.012 [−0.001, +0.025], in bold where the interval does not hold 0."""
    text = f"{number(found.value, '+')} [{number(found.low, '+')}, {number(found.high, '+')}]"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


def number(value: float, sign: str = "") -> str:
    """Three decimals, with a minus sign, and no negative zero."""
    return f"{round(value, 3) + 0.0:{sign}.3f}".replace("-", "−")


if __name__ == "__main__":
    for name, table in tables().items():
        print(f"\n{name}\n\n{table}")
