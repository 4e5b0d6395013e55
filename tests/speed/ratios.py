"""Print a table of ratios from a pytest-benchmark JSON: machines differ, ratios travel."""

from __future__ import annotations

import json
import sys
from pathlib import Path

REFERENCE = "test_gymnasium_loop"


def main(path: str) -> None:
    """One row per benchmark: median time, steps per second, multiple of the Gymnasium loop."""
    entries = json.loads(Path(path).read_text())["benchmarks"]
    rate = {e["name"]: e["extra_info"]["steps"] / e["stats"]["median"] for e in entries}
    print(f"{'benchmark':38} {'median ms':>10} {'steps/s':>12} {'× Gymnasium loop':>17}")
    for entry in entries:
        name, median = entry["name"], entry["stats"]["median"]
        ratio = f"{rate[name] / rate[REFERENCE]:.1f}" if entry["extra_info"]["steps"] > 1 else ""
        print(f"{name[5:]:38} {median * 1e3:10.2f} {rate[name]:12,.0f} {ratio:>17}")
    physics, training = "test_halfcheetah_physics_alone", "test_halfcheetah_training"
    if {physics, training} <= rate.keys():
        print(f"HalfCheetah training reaches {rate[training] / rate[physics]:.0%} of its physics.")


if __name__ == "__main__":
    main(sys.argv[1])
