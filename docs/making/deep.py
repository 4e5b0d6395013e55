"""The table of docs/deep.md about the published study `ppo`; a test compares them."""

from __future__ import annotations

from making.sensitivity import markdown, read

CLEANRL = {"halfcheetah": "1 443 ± 46", "hopper": "2 383 ± 272", "walker2d": "2 288 ± 572"}


def table() -> str:
    """Returns after a million steps: mean and interval over seeds, and what others report."""
    rows = []
    for family, reported in CLEANRL.items():
        (row,) = read("ppo", f"{family}-scores")
        random, mean, low, high = (
            f"{float(row[name]):,.0f}".replace(",", " ").replace("-", "−")
            for name in ("random", "final", "final_low", "final_high")
        )
        final = f"{mean} [{low}, {high}]"
        rows.append([f"`{family}`", row["seeds"], random, final, reported])
    heads = ["", "seeds", "random policy", "FedPPO, N = 1, v5", "CleanRL, v4"]
    return markdown(heads, rows)
