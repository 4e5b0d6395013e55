"""The tables of docs/sensitivity.md, from those of the published studies.

`PYTHONPATH=docs python -m making.measured.sensitivity` prints them; a test compares them
with the page.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean

from fedrl.reports.table.columns import SYMBOLS

PUBLISHED = Path(__file__).parents[3] / "reports" / "published"
ALGORITHMS = ("fedpg", "fedpg-m", "fedsvrpg-m", "fedhapg-m")
EVERYWHERE = "all environments"
SHOWN = ("step_size", "beta", "local_steps", "episodes", "server_step_size")
SIGNS = {name: SYMBOLS[name] for name in SHOWN}
FAMILIES = (("random-mdp", (2, 16)), ("gridworld", (2, 8)), ("cartpole", (2, 8)))
CONDITIONS = (
    ("undisturbed", "reward cliff = none, reward noise = none"),
    ("noise", "reward cliff = none, reward noise = {noise}"),
    ("cliff", "reward cliff = {cliff}, reward noise = none"),
    ("both", "reward cliff = {cliff}, reward noise = {noise}"),
)
Row = dict[str, str]


@cache
def tables() -> dict[str, str]:
    """Name to Markdown."""
    return {
        "owed": owed("sensitivity"),
        "gain": gain("sensitivity"),
        "beside": beside("sensitivity"),
        "values": values(),
        "best values": best_values("sensitivity"),
        "agents": agents(),
        "many agents": many_agents(),
        "local steps": local_steps(),
        "lost": lost(),
        "kappa": extreme(),
        "beyond": beyond(),
        "orders": orders(),
        "best values beyond": best_values("sensitivity_beyond"),
        "owed beyond": owed("sensitivity_beyond"),
        "gain beyond": gain("sensitivity_beyond"),
    }


def owed(study: str) -> str:
    """The tuning sensitivity of every algorithm."""
    rows = {row["algorithm"]: row for row in read(study, "sensitivity")}
    lines = [
        [
            f"`{name}`",
            *(interval(rows[name], key) for key in ("tuned", "shared", "phi")),
            number(rows[name]["plug_in"]),
            f"{float(rows[name]['d']):.0f} of {rows[name]['of_names']}",
        ]
        for name in ALGORITHMS
    ]
    return markdown(["", "Γ tuned", "Γ shared", "Φ", "Φ plug-in", "d"], lines)


def gain(study: str) -> str:
    """Whose Φ is above 0 with its whole interval, and how much the others may have missed."""
    rows = [row for row in read(study, "sensitivity") if row["algorithm"] in ALGORITHMS]
    shown = [f"`{row['algorithm']}`" for row in rows if float(row["phi_low"]) > 0]
    rest = [f"`{row['algorithm']}`" for row in rows if float(row["phi_low"]) <= 0]
    most = max(float(row["phi_high"]) for row in rows)
    return (
        f"- Tuning per environment gains (the interval of Φ lies above 0): "
        f"**{', '.join(shown) or 'nobody'}**; not shown for {', '.join(rest) or 'nobody'}. "
        f"No interval goes above {most:.2f}."
    )


def beside(study: str) -> str:
    """Γ with tuning less FedPG's, within seeds, as the published page says it."""
    said = (PUBLISHED / study / "README.md").read_text("utf-8")
    found = re.findall(
        r"^- (\S+) .*: Γ with tuning (\S+) \\\[(\S+), (\S+)\\\], Φ", said, re.MULTILINE
    )
    apart = [one for one in found if one[2].startswith("−") == one[3].startswith("−")]
    words = [
        f"{name} {change} [{low}, {high}]" + " (**told apart**)" * (one in apart)
        for one in found
        for name, change, low, high in [one]
    ]
    return f"- Γ with tuning, beside FedPG's, within seeds: {'; '.join(words)}."


def values() -> str:
    """Every value over all environments, and the mean importance of what it is a value of."""
    rows = [
        row for row in read("sensitivity", "sensitivity-values-long") if row["where"] == EVERYWHERE
    ]
    lines: list[list[str]] = []
    for name, sign in SIGNS.items():
        own = [row for row in rows if row["hyperparameter"] == name]
        found = list(dict.fromkeys(row["value"] for row in own))
        for place, value in enumerate(found):
            configs = [_of(own, name_, value) for name_ in ALGORITHMS]
            short = value.split("=")[1].strip().removesuffix("×")
            if name == "server_step_size":
                short = f"{short} ηK".removeprefix("1 ")
            lines.append([sign if not place else "", short, *configs])
        lines.append(["", "importance", *(_importance(one, name) for one in ALGORITHMS)])
    return markdown(["", "value", *(f"`{name}`" for name in ALGORITHMS)], lines)


def best_values(study: str) -> str:
    """Which hyperparameter matters most, and the value of each with the best mean."""
    rows = [r for r in read(study, "sensitivity-values-long") if r["where"] == EVERYWHERE]
    known = [name for name in SHOWN if any(row["hyperparameter"] == name for row in rows)]
    first: dict[str, list[str]] = {}
    for one in ALGORITHMS:
        shares = {name: _share(study, one, name) for name in known}
        first.setdefault(SIGNS[max(shares, key=lambda name: shares[name])], []).append(one)
    lines = [f"- Most important: {_by(first)}."]
    for name in known:
        best: dict[str, list[str]] = {}
        for one in ALGORITHMS:
            own = [r for r in rows if (r["algorithm"], r["hyperparameter"]) == (one, name)]
            if own:
                top = max(own, key=lambda row: float(row["mean"]))
                best.setdefault(top["value"].split("=")[1].strip(), []).append(one)
        lines.append(f"- Best mean, {SIGNS[name]}: {_by(best)}.")
    return "\n".join(lines)


def many_agents() -> str:
    """What more agents change in the mean, at the smallest step size and at the largest."""
    rows = [r for r in read("sensitivity", "sensitivity-values-long") if "N =" in r["where"]]
    lines = []
    for words, place in (("smallest", 0), ("largest", -1)):
        gaps = []
        for family, counts in FAMILIES:
            for one in ALGORITHMS:
                few, many = (_etas(rows, family, count, one)[place] for count in counts)
                gaps.append(float(many["mean"]) - float(few["mean"]))
        low, high = number(min(gaps)), number(max(gaps))
        lines.append(f"- From few agents to many, mean at the {words} η: {low} to {high} more.")
    moved = []
    for family, counts in FAMILIES:
        for one in ALGORITHMS:
            tops = [
                max(_etas(rows, family, count, one), key=lambda row: float(row["mean"]))["value"]
                for count in counts
            ]
            if tops[0] != tops[1]:
                few, many = (top.split("=")[1].strip() for top in tops)
                moved.append(f"`{one}` on {family} from {few} to {many}")
    lines.append(f"- The η with the best mean moves: {'; '.join(moved) or 'nowhere'}.")
    return "\n".join(lines)


def _etas(rows: Iterable[Row], family: str, count: int, algorithm: str) -> list[Row]:
    key = (f"{family}, N = {count}", algorithm, "step_size")
    return [r for r in rows if (r["where"], r["algorithm"], r["hyperparameter"]) == key]


def lost() -> str:
    """How far the best falls from one local step to twenty, on GridWorld, over both N."""
    rows = read("sensitivity", "gridworld-responses")
    parts = []
    for one in ALGORITHMS:
        falls = []
        for kappa in (0.0, 1.0):
            own = [
                [float(r["best"]) for r in _here(rows, one, count, kappa) if _is_k(r)]
                for count in (2, 8)
            ]
            falls.append(number(fmean(best[0] - best[-1] for best in own)))
        parts.append(f"`{one}` {falls[0]} and {falls[1]}")
    return f"- From K = 1 to 20 the best falls, at κ = 0 and at κ = 1, by: {'; '.join(parts)}."


def _is_k(row: Row) -> bool:
    return row["hyperparameter"] == "local_steps"


def extreme() -> str:
    """The mean over all settings where agents are alike, and where they are not."""
    rows = [r for r in read("sensitivity", "sensitivity-values-long") if _is_any(r)]
    lines = []
    for family in ("gridworld", "cartpole"):
        parts = []
        for one in ALGORITHMS:
            means = [
                number(r["mean"])
                for kappa in (0, 1)
                for r in rows
                if (r["where"], r["algorithm"]) == (f"{family}, κ = {kappa}", one)
            ]
            parts.append(f"`{one}` {' → '.join(means)}")
        lines.append(f"- Mean over all settings, κ = 0 → 1, {family}: {'; '.join(parts)}.")
    return "\n".join(lines)


def _is_any(row: Row) -> bool:
    return row["hyperparameter"] == "any"


def orders() -> str:
    """The order of the means in every condition, the best first."""
    rows = [r for r in read("sensitivity_beyond", "sensitivity-values-long") if _is_any(r)]
    lines = []
    for name, place in _conditions():
        own = [row for row in rows if row["where"] == place and row["algorithm"] in ALGORITHMS]
        own.sort(key=lambda row: -float(row["mean"]))
        lines.append(f"- Order of the means, {name}: {', '.join(_code(r) for r in own)}.")
    return "\n".join(lines)


def _code(row: Row) -> str:
    return f"`{row['algorithm']}`"


def _by(groups: dict[str, list[str]]) -> str:
    """1 (`fedpg`), 3.2 (`fedpg-m`, `fedhapg-m`)"""
    return ", ".join(
        f"{value} ({', '.join(f'`{name}`' for name in names)})" for value, names in groups.items()
    )


def agents() -> str:
    """The step size for few and for many agents, per family."""
    rows = read("sensitivity", "sensitivity-values-long")
    lines = []
    for family, counts in FAMILIES:
        for algorithm in ALGORITHMS:
            for count in counts:
                own = [
                    row
                    for row in rows
                    if row["where"] == f"{family}, N = {count}"
                    and row["algorithm"] == algorithm
                    and row["hyperparameter"] == "step_size"
                ]
                first = [family if algorithm == ALGORITHMS[0] else "", f"`{algorithm}`"]
                first = first if count == counts[0] else ["", ""]
                means = [number(row["mean"]) for row in own[:-1]]
                lines.append([*first, str(count), *means, interval(own[-1], "mean"), _best(own)])
    head = ["", "", "N", "η = 0.1", "0.32", "1", "3.2", "best"]
    return markdown(head, lines)


def local_steps() -> str:
    """The best at every K, with identical and with very different agents, on GridWorld."""
    rows = read("sensitivity", "gridworld-responses")
    chosen = read("sensitivity", "gridworld-tuned")
    lines = []
    for algorithm in ALGORITHMS:
        for count in (2, 8):
            line = [f"`{algorithm}`" if count == 2 else "", str(count)]
            for kappa in (0.0, 1.0):
                own = _here(rows, algorithm, count, kappa)
                best = [number(r["best"]) for r in own if r["hyperparameter"] == "local_steps"]
                (tuned,) = _here(chosen, algorithm, count, kappa)
                line += [", ".join(best), interval(tuned, "tuned")]
            lines.append(line)
    return markdown(
        ["", "N", "κ = 0: K = 1, 5, 20", "chosen", "κ = 1: K = 1, 5, 20", "chosen"], lines
    )


def beyond() -> str:
    """Noise without variance, an objective that jumps, both and neither."""
    rows = read("sensitivity_beyond", "sensitivity-values-long")
    tuned = read("sensitivity_beyond", "random-mdp-tuned")
    places = [place for _, place in _conditions()]

    def overall(algorithm: str, place: str) -> Row:
        key = {"algorithm": algorithm, "where": place, "hyperparameter": "any"}
        return next(row for row in rows if key.items() <= row.items())

    def chosen(algorithm: str, place: str) -> str:
        own = [r for r in tuned if r["algorithm"] == algorithm and r["place"].endswith(place)]
        assert len(own) == 2, (algorithm, place)  # κ
        return number(fmean(float(row["tuned"]) for row in own))

    def group(title: str, config: Callable[[str, str], str]) -> list[list[str]]:
        rows_ = [[f"`{a}`", *(config(a, place) for place in places)] for a in ALGORITHMS]
        return [[f"*{title}*", *[""] * len(places)], *rows_]

    parts = [
        *group("best setting per environment, chosen and scored on different seeds", chosen),
        *group("mean over all settings", lambda a, p: interval(overall(a, p), "mean")),
        *group(
            "share of settings worse than the random policy", lambda a, p: _below(overall(a, p))
        ),
    ]
    return markdown(["", *(name for name, _ in CONDITIONS)], parts)


def _conditions() -> list[tuple[str, str]]:
    """Name and place of every condition, as the published tables name it."""
    words = [row["where"] for row in read("sensitivity_beyond", "sensitivity-values-long")]
    noise = next(w for w in words if "reward cliff = none" in w and "noise = none" not in w)
    cliff = next(w for w in words if "reward noise = none" in w and "cliff = none" not in w)
    disturbed = {
        "noise": noise.split("reward noise = ")[1],
        "cliff": cliff.split("reward cliff = ")[1].split(", reward noise")[0],
    }
    return [(name, place.format(**disturbed)) for name, place in CONDITIONS]


@cache
def read(study: str, table: str) -> list[Row]:
    """Rows of a published table."""
    path = PUBLISHED / study / "tables" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A pipe table."""
    lines = [head, ["---"] * len(head), *rows]
    padded = [[f" {cell} " if cell else " " for cell in line] for line in lines]
    return "\n".join(f"|{'|'.join(line)}|" for line in padded)


def interval(row: Row, key: str) -> str:
    """0.12 [0.10, 0.15]"""
    low, high = number(row[f"{key}_low"]), number(row[f"{key}_high"])
    return f"{number(row[key])} [{low}, {high}]"


def number(text: str | float) -> str:
    """Two decimals, with a minus sign, and no negative zero."""
    return f"{round(float(text), 2) + 0.0:.2f}".replace("-", "−")


def _of(rows: Iterable[Row], algorithm: str, value: str) -> str:
    own = [r for r in rows if r["algorithm"] == algorithm and r["value"] == value]
    return interval(own[0], "mean") if own else ""


def _best(rows: Sequence[Row]) -> str:
    """At the value whose best setting is best."""
    return number(max(float(row["best"]) for row in rows))


def _below(row: Row) -> str:
    return f"{100 * float(row['below']):.0f} %"


def _importance(algorithm: str, name: str) -> str:
    share = _share("sensitivity", algorithm, name)
    return number(share) if share >= 0 else ""


def _share(study: str, algorithm: str, name: str) -> float:
    """Mean importance over environments; −∞ without such a hyperparameter."""
    found = [
        float(row[name])
        for path in sorted((PUBLISHED / study / "tables").glob("*-importances.csv"))
        for row in read(study, path.stem)
        if row["algorithm"] == algorithm and row.get(name)
    ]
    return fmean(found) if found else -math.inf


def _here(rows: Iterable[Row], algorithm: str, agents_: int, kappa: float) -> list[Row]:
    return [
        row
        for row in rows
        if row["algorithm"] == algorithm
        and int(float(row["agents"])) == agents_
        and float(row["kappa"]) == kappa
    ]


if __name__ == "__main__":
    for name, table in tables().items():
        print(f"\n{name}\n\n{table}")
