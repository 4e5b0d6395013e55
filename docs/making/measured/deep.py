"""What docs/deep.md says of `ppo` and `deep_tuned`; a test compares them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fedrl.benchmark.config.study_file import read_table
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.statistics.survival import hitting_time
from making.measured.published_runs import apart, listed, over, standing, starred
from making.measured.sensitivity import PUBLISHED, Row, markdown, read

CLEANRL = {"halfcheetah": "1 443 ± 46", "hopper": "2 383 ± 272", "walker2d": "2 288 ± 572"}

TUNED, LEVELS = "deep_tuned", (500.0, 1000.0, 1500.0)
OWN = "fedppo, own statistics"
COMPARED = {  # with whom, who
    "independent-ppo": ("fedppo", OWN, "feda2c"),
    "fedppo": (OWN,),
    "fedpg": ("fednpg", "fedpg-m", "fedsvrpg-m", "fedhapg-m", "scaffold-pg", "fedprox-pg"),
}
SIDES = ("ahead of", "behind")


def table() -> str:
    """Returns after a million steps: mean and interval over seeds, and what others report."""
    rows = []
    for family, reported in CLEANRL.items():
        (row,) = read("ppo", f"{family}-scores")
        random = whole(row["random"])
        final = bounded(row, "final")
        rows.append([f"`{family}`", row["seeds"], random, final, reported])
    heads = ["", "seeds", "random policy", "FedPPO, N = 1, v5", "CleanRL, v4"]
    return markdown(heads, rows)


def tuned() -> str:
    """Final returns at tuned η and steps until a return holds, by κ; * marks an end of the grid."""
    rows = []
    for kappa, series in _series().items():
        for name, own in series.items():
            eta, last = float(own["step_size"].iloc[0]), _finals(own)
            shown = (_told(over(last, what)) for what in ("return", "return_worst"))
            hits = (_held(own, level) for level in LEVELS)
            rows.append([f"{kappa:g}", f"`{name}`", _starred(eta, name), *shown, *hits])
    heads = ["κ", "", "η", "mean of agents", "worst agent", *(f"to {_level(x)}" for x in LEVELS)]
    return markdown(heads, rows)


def answers() -> str:
    """Who is told apart, within seeds, from agents that run PPO alone, FedPPO and FedPG."""
    lines = []
    for kappa, series in _series().items():
        finals = {name: _finals(own) for name, own in series.items()}
        for base, others in COMPARED.items():
            for what, words in (("return", "mean of agents"), ("return_worst", "worst agent")):
                gaps = {name: apart(finals[name], finals[base], what) for name in others}
                told = (f"{side} `{base}`: {_named(gaps, side)}" for side in SIDES)
                lines.append(f"- κ = {kappa:g}, {words}, {'; '.join(told)}.")
    return "\n".join(lines)


def _series() -> dict[float, dict[str, pd.DataFrame]]:
    """The records of every algorithm, FedPPO in two forms, by κ."""
    records = pd.read_parquet(PUBLISHED / TUNED / "records.parquet")
    form = (records["algorithm"] == "fedppo") & (records["normalise"] == "own")
    records["algorithm"] = records["algorithm"].where(~form, OWN)
    return {
        float(kappa): {str(name): own for name, own in rows.groupby("algorithm")}
        for kappa, rows in records.groupby("kappa")
    }


def _finals(own: pd.DataFrame) -> pd.DataFrame:
    """The last row of every seed; a diverged run counts as the worse of its last and random."""
    last = own.sort_values("round").groupby("seed").tail(1).set_index("seed").sort_index()
    for what in ("return", "return_worst"):
        lost = np.fmin(last[what], last["random"])
        last[what] = last[what].where(~last["diverged"].astype(bool), lost)
    return last


def _named(gaps: dict[str, Estimate], side: str) -> str:
    """Those that an interval puts there, with it."""
    return listed([f"`{name}` {_told(gap)}" for name, gap in gaps.items() if standing(gap) == side])


def _held(own: pd.DataFrame, level: float) -> str:
    """Median over seeds of the steps per agent until the return stays there, in thousands."""
    times = []
    for _, run in own.groupby("seed"):
        run = run.sort_values("round")
        curve = (run[name].to_numpy(float) for name in ("steps_per_agent", "return"))
        times.append(hitting_time(*curve, level, 3, bool(run["diverged"].iloc[-1])))
    middle = float(np.median(times))
    return f"{middle / 1000:.0f} k" if np.isfinite(middle) else "–"


def _starred(eta: float, algorithm: str) -> str:
    study = read_table(TUNED)
    own = study["algorithms"][algorithm.split(",")[0]]
    base = own.get("step_size", study["settings"]["step_size"])
    return starred(TUNED, "step_size", eta, base)


def _level(level: float) -> str:
    return whole(str(level))


def _told(found: Estimate) -> str:
    return f"{_level(found.value)} [{_level(found.low)}, {_level(found.high)}]"


def bounded(row: Row, name: str) -> str:
    """A number and its interval."""
    return f"{whole(row[name])} [{whole(row[name + '_low'])}, {whole(row[name + '_high'])}]"


def whole(number: str) -> str:
    """Rounded, thousands apart."""
    return f"{float(number):,.0f}".replace(",", " ").replace("-", "−")
