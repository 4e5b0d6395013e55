"""What docs/deep.md says of the studies `ppo` and `federated_ppo`; a test compares them."""

from __future__ import annotations

from making.measured.sensitivity import Row, markdown, read

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


def bounded(row: Row, name: str) -> str:
    """A number and its interval."""
    return f"{whole(row[name])} [{whole(row[name + '_low'])}, {whole(row[name + '_high'])}]"


def whole(number: str) -> str:
    """Rounded, thousands apart."""
    return f"{float(number):,.0f}".replace(",", " ").replace("-", "−")
