"""Print a table of ratios from a pytest-benchmark JSON: machines differ, ratios travel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REFERENCE = "test_gymnasium_loop"
CEILING = "test_halfcheetah_ceiling"
NARROW = "test_sweep[100]"
TARGETS = {  # benchmark: (what it is measured against, target)
    "test_halfcheetah_rollout": (CEILING, 0.90),
    "test_halfcheetah_training": (CEILING, 0.75),
    "test_sweep[1000]": (NARROW, 1.0),
    "test_sweep[10000]": (NARROW, 1.0),
}


FAMILY = "test_family["
# The derivative of the state is what a step computes; a Runge-Kutta step asks for it four times.
DERIVATIVES = {"cartpole": 1, "acrobot": 4, "pendulum": 1, "mountain-car": 1}


def main(path: str) -> None:
    """One row per benchmark: median processor time, steps/s, ratio; then the targets."""
    entries = json.loads(Path(path).read_text())["benchmarks"]
    rate = {e["name"]: e["extra_info"]["steps"] / e["stats"]["median"] for e in entries}
    print(f"{'benchmark':32} {'median ms':>10} {'steps/s':>12} {'ratio':>8}")
    for entry in entries:
        name, median = entry["name"], entry["stats"]["median"]
        base = CEILING if "halfcheetah" in name else REFERENCE
        counted = entry["extra_info"]["steps"] > 1 and "tabular" not in name and base in rate
        counted = counted and FAMILY not in name
        ratio = f"{rate[name] / rate[base]:.2f}" if counted else ""
        print(f"{name[5:]:32} {median * 1e3:10.2f} {rate[name]:12,.0f} {ratio:>8}")
    print_families(entries, rate)
    print("ratio: to the Gymnasium loop; HalfCheetah: to raw mj_step on the same threads\n")
    for name, (base, least) in TARGETS.items():
        if {name, base} <= rate.keys():
            print(f"{name[5:]} ÷ {base[5:]}: {rate[name] / rate[base]:.2f} (target: {least:.2f})")


def print_families(entries: list[dict[str, Any]], rate: dict[str, float]) -> None:
    """Sampling of every family, relative to the fastest one whose dynamics are given alike."""
    families = {e["name"]: e["extra_info"]["kind"] for e in entries if FAMILY in e["name"]}
    if not families:
        return
    print(f"{'family':20} {'dynamics':>10} {'steps/s':>12} {'of the fastest':>15}")
    for name, kind in families.items():
        fastest = max(rate[other] for other, its in families.items() if its == kind)
        family = name.removeprefix(FAMILY).removesuffix("]")
        print(f"{family:20} {kind:>10} {rate[name]:12,.0f} {rate[name] / fastest:15.2f}")
    known = {family: f"{FAMILY}{family}]" for family in DERIVATIVES}
    speeds = {f: DERIVATIVES[f] * rate[name] for f, name in known.items() if name in rate}
    listed = ", ".join(
        f"{family} {speed / max(speeds.values()):.2f}" for family, speed in speeds.items()
    )
    if listed:
        print(f"state derivatives a second, of the most (acrobot needs 4 a step): {listed}")
    print("tabular, compiled and simulated dynamics are compared among themselves only\n")


if __name__ == "__main__":
    main(sys.argv[1])
