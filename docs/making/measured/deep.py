"""What docs/deep.md says of `ppo`, `federated_ppo` and `critic`; a test compares them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fedrl.reports.table.outcome import Outcome
from making.measured.published_runs import over
from making.measured.sensitivity import PUBLISHED, Row, markdown, read

CLEANRL = {"halfcheetah": "1 443 ± 46", "hopper": "2 383 ± 272", "walker2d": "2 288 ± 572"}

SETTLING = 6  # pairs of seeds; a sign-flip test of fewer cannot go below .05


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


def averaging() -> str:
    """Final returns of every agent where five average their PPO, and where they do not."""
    rows = [
        [row["kappa"], row["series"], *(bounded(row, name) for name in ("mean", "worst", "range"))]
        for row in read("federated_ppo", "halfcheetah-agents")
    ]
    heads = ["κ", "", "mean of agents", "worst agent", "10–90 % range of agents"]
    return markdown(heads, rows)


def answer() -> str:
    """The paired difference at every κ, and what it shows."""
    lines = []
    for row in read("federated_ppo", "halfcheetah-paired"):
        low, high = float(row["difference_low"]), float(row["difference_high"])
        shown = "averaging costs" if low > 0 else "averaging gains" if high < 0 else "undecided"
        if shown != "undecided" and int(row["pairs"]) < SETTLING:
            shown += f", as far as it shows; fewer than {SETTLING} seeds settle no order"
        lines.append(
            f"- κ = {row['kappa']}: {row['series']} less {row['baseline'].replace(', ', ' (')}) is "
            f"{bounded(row, 'difference')} within {row['pairs']} seeds: {shown}."
        )
    return "\n".join(lines)


def critics() -> str:
    """Final returns at every step size: mean of the agents and the worst of them."""
    lost = {row["series"]: row["diverged"] for row in read("critic", "halfcheetah-scores")}
    rows = [
        [row["series"], *(bounded(row, name) for name in ("mean", "worst")), lost[row["series"]]]
        for row in read("critic", "halfcheetah-agents")
    ]
    return markdown(["", "mean of agents", "worst agent", "runs that diverged"], rows)


def directions() -> str:
    """Mean return over the budget less FedPG's, each at the η that the other seeds choose."""
    found = _chosen(_mean_returns("critic"))
    base = found.pop("fedpg")
    rows = [
        [f"`{name}`", *(whole(str(x.mean())) for x in (own, base)), _gap(own - base)]
        for name, own in found.items()
    ]
    return markdown(["", "mean return", "FedPG's", "difference within seeds"], rows)


def _gap(gap: pd.Series[float]) -> str:
    found = over(gap.to_frame("gap"), "gap")
    return f"{whole(str(found.value))} [{whole(str(found.low))}, {whole(str(found.high))}]"


def _mean_returns(study: str) -> pd.DataFrame:
    """Of every run over its steps; (algorithm, seed) × η."""
    records = pd.read_parquet(PUBLISHED / study / "records.parquet")
    budget = float(records["steps_per_agent"].max())
    found = {}
    for key, rows in records.groupby(["algorithm", "seed", "step_size"]):
        run = rows.sort_values("round")
        curve = (run[name].to_numpy(float) for name in ("steps_per_agent", "return"))
        outcome = Outcome.of(*curve, bool(run["diverged"].iloc[-1]), np.nan, np.nan, budget)
        found[key] = outcome.area(budget)
    return pd.Series(found).unstack()


def _chosen(returns: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """By seed, at the η whose mean over the other seeds is best: no run counts where it chose."""
    found = {}
    for name, own in returns.groupby(level=0):
        table = own.droplevel(0)
        others = (table.sum() - table) / (len(table) - 1)
        best = np.argmax(others.to_numpy(), axis=1)
        values = table.to_numpy()[np.arange(len(table)), best]
        found[str(name)] = pd.Series(values, index=table.index)
    return found


def bounded(row: Row, name: str) -> str:
    """A number and its interval."""
    return f"{whole(row[name])} [{whole(row[name + '_low'])}, {whole(row[name + '_high'])}]"


def whole(number: str) -> str:
    """Rounded, thousands apart."""
    return f"{float(number):,.0f}".replace(",", " ").replace("-", "−")
