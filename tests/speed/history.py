"""What speed was: every `tox run -e speed` adds a line, and a ratio that falls is seen.

A line of reports/speed/history.jsonl is one measurement: when, the commit, the machine, its load,
and ratios, which are comparable between measurements of one kind of machine that had nothing else
to do: other programs take more from Python than from compiled loops. docs/speed.svg draws them.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from fedrl.benchmark.storage.provenance import machine

ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "reports" / "speed" / "history.jsonl"
FIGURE = ROOT / "docs" / "speed.svg"
FALL = 0.15  # of a ratio, below the median of the last measurements on the same kind of machine
LAST = 5  # measurements that median is taken of
BUSY = 1.5  # jobs per core, in the mean of five minutes; a measurement is one job itself
DRAWN = {  # ratio: its name in the figure
    "rollout": "sampling",
    "estimator[weighted]": "weighted estimator",
    "training[fedpg]": "training, FedPG",
    "training[fedsvrpg-m]": "training, FedSVRPG-M",
    "full_episodes[1]": "full episodes, B = 1",
    "full_episodes[10]": "full episodes, B = 10",
}

Record = dict[str, Any]


def measured(ratios: dict[str, float]) -> Record:
    """A line of the history, of now and here."""
    described = machine()
    return {
        "time": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit(),
        "machine": f"{described['cpu']}, {described['cores']} cores",
        "load": round(os.getloadavg()[1] / (os.cpu_count() or 1), 1),
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
    }


def commit() -> str:
    """The commit that was measured, with a + if files differ from it; "" outside of git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def busy(record: Record) -> bool:
    """Whether the machine had so much else to do that the ratios are of that too."""
    return bool(record.get("load", 0) > BUSY)


def falls(past: list[Record], now: Record) -> dict[str, tuple[float, float]]:
    """Ratios that fell by more than FALL, each with what it was and what it is; idle machines."""
    idle = [record for record in past if not busy(record)]
    alike = [record["ratios"] for record in idle if record["machine"] == now["machine"]]
    found: dict[str, tuple[float, float]] = {}
    if busy(now):
        return found
    for name, ratio in now["ratios"].items():
        before = [ratios[name] for ratios in alike if name in ratios][-LAST:]
        if before and ratio < (1 - FALL) * median(before):
            found[name] = (median(before), ratio)
    return found


def read(file: Path = HISTORY) -> list[Record]:
    """The measurements so far, oldest first."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def add(record: Record, file: Path = HISTORY) -> None:
    """One more line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")


def draw(records: list[Record], file: Path = FIGURE) -> None:
    """Ratios over measurements, one line each, on a log scale."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "fedrl", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    places = range(len(records))
    for name, label in DRAWN.items():
        values = [record["ratios"].get(name, float("nan")) for record in records]
        axes.plot(places, values, marker="o", label=label)
    axes.set_yscale("log")
    told = [f"{r['commit']}\n{r['time'][:10]}" + "\nbusy" * busy(r) for r in records]
    axes.set_xticks(places, told, fontsize=7)
    axes.set_ylabel("× the Gymnasium + torch loop")
    axes.legend(fontsize=8, ncols=2)
    axes.grid(alpha=0.3)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
