"""Print a table of ratios from a pytest-benchmark JSON: machines differ, ratios travel."""

from __future__ import annotations

import json
import sys
from pathlib import Path

REFERENCE = "test_gymnasium_loop"
CEILING = "test_halfcheetah_ceiling"
NARROW = "test_sweep[100]"
TARGETS = {  # benchmark: (what it is measured against, target)
    "test_halfcheetah_rollout": (CEILING, 0.90),
    "test_halfcheetah_training": (CEILING, 0.75),
    "test_sweep[1000]": (NARROW, 1.0),
    "test_sweep[10000]": (NARROW, 1.0),
}


def main(path: str) -> None:
    """One row per benchmark: median processor time, steps/s, ratio; then the targets."""
    entries = json.loads(Path(path).read_text())["benchmarks"]
    rate = {e["name"]: e["extra_info"]["steps"] / e["stats"]["median"] for e in entries}
    print(f"{'benchmark':32} {'median ms':>10} {'steps/s':>12} {'ratio':>8}")
    for entry in entries:
        name, median = entry["name"], entry["stats"]["median"]
        base = CEILING if "halfcheetah" in name else REFERENCE
        counted = entry["extra_info"]["steps"] > 1 and "tabular" not in name and base in rate
        ratio = f"{rate[name] / rate[base]:.2f}" if counted else ""
        print(f"{name[5:]:32} {median * 1e3:10.2f} {rate[name]:12,.0f} {ratio:>8}")
    print("ratio: to the Gymnasium loop; HalfCheetah: to raw mj_step on the same threads\n")
    for name, (base, least) in TARGETS.items():
        if {name, base} <= rate.keys():
            print(f"{name[5:]} ÷ {base[5:]}: {rate[name] / rate[base]:.2f} (target: {least:.2f})")


if __name__ == "__main__":
    main(sys.argv[1])
