"""The table of docs/tuning.md about the published study `paper_tuned`; a test compares them."""

from __future__ import annotations

from making.sensitivity import interval, markdown, read


def table() -> str:
    """Its leaderboard, in short."""
    rows = [
        [
            f"`{row['series']}`",
            *(interval(row, name) for name in ("area", "final", "rank")),
            *(f"{100 * float(row[f'share_{epsilon}']):.0f} %" for epsilon in ("0.1", "0.05")),
        ]
        for row in read("paper_tuned", "leaderboard")
    ]
    return markdown(["", "area", "final score", "mean rank", "to 90 %", "to 95 %"], rows)
