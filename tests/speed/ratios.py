"""Print a table of ratios from a pytest-benchmark JSON: machines differ, ratios travel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import history

REFERENCE = "test_gymnasium_loop"
CEILING = "test_halfcheetah_ceiling"
PPO_CEILING = "test_halfcheetah_ppo_ceiling"
NARROW = "test_sweep[100]"
TARGETS = {  # benchmark: (what it is measured against, target)
    "test_halfcheetah_rollout": (CEILING, 0.90),
    "test_halfcheetah_training": (CEILING, 0.90),
    "test_halfcheetah_ppo": (PPO_CEILING, 0.60),
    "test_sweep[1000]": (NARROW, 1.0),
    "test_sweep[10000]": (NARROW, 1.0),
    "test_sweep[100000]": (NARROW, 1.0),
}


FAMILY, RAW, RAW_GYMNASIUM = "test_family[", "test_raw[", "test_raw_gymnasium"
LEAST = 0.70  # of the fastest comparable family


def main(path: str) -> int:
    """One row per benchmark: median processor time, steps/s, ratio; then the targets.

    The ratios become a line of the history; 1 if one of them fell.
    """
    entries = json.loads(Path(path).read_text())["benchmarks"]
    rate = {e["name"]: e["extra_info"]["steps"] / e["stats"]["median"] for e in entries}
    print(f"{'benchmark':32} {'median ms':>10} {'steps/s':>12} {'ratio':>8}")
    ratios = {}
    for entry in entries:
        name, median = entry["name"], entry["stats"]["median"]
        base = CEILING if "halfcheetah" in name else REFERENCE
        base = PPO_CEILING if "_ppo" in name else base
        counted = entry["extra_info"]["steps"] > 1 and "tabular" not in name and base in rate
        counted = counted and not name.startswith((FAMILY, RAW, RAW_GYMNASIUM))
        ratio = f"{rate[name] / rate[base]:.2f}" if counted else ""
        if counted:
            ratios[name[5:]] = rate[name] / rate[base]
        print(f"{name[5:]:32} {median * 1e3:10.2f} {rate[name]:12,.0f} {ratio:>8}")
    print_families(entries, rate)
    print("ratio: to the Gymnasium loop; HalfCheetah: to raw mj_step on the same threads\n")
    for name, (base, least) in TARGETS.items():
        if {name, base} <= rate.keys():
            print(f"{name[5:]} ÷ {base[5:]}: {rate[name] / rate[base]:.2f} (target: {least:.2f})")
    past, now = history.read(), history.measured(ratios)
    history.add(now)
    history.draw([*past, now])
    fallen = history.falls(past, now)
    if history.busy(now):
        print(f"{now['load']} jobs a core: this measurement is kept, and compared with none")
    for name, (before, after) in fallen.items():
        print(f"{name} fell from {before:.2f} to {after:.2f}")
    return 1 if fallen else 0


def print_families(entries: list[dict[str, Any]], rate: dict[str, float]) -> None:
    """Sampling of every family beside comparable ones.

    Comparable: finite MDPs; compiled dynamics, or robots, that ask for the state's derivative
    equally often in a step. Processor time of the fastest call: other programs disturb a mean.
    """
    known = {e["name"]: e for e in entries if e["name"].startswith((FAMILY, RAW, RAW_GYMNASIUM))}
    if not known:
        return
    best = {name: e["extra_info"]["steps"] / e["stats"]["min"] for name, e in known.items()}
    groups: dict[tuple[str, int], list[str]] = {}
    for name, entry in known.items():
        if name.startswith(FAMILY):
            told = entry["extra_info"]
            groups.setdefault((told["kind"], told["evaluations"]), []).append(name)
    head = ("dynamics", "derivatives", "steps/s", "derivatives/s", "of the fastest", "of raw")
    print(f"{'family':18}{head[0]:>12}{head[1]:>13}" + "".join(f"{h:>16}" for h in head[2:]))
    for (kind, asked), names in groups.items():
        fastest = max(best[name] for name in names)
        for name in names:
            family = name.removeprefix(FAMILY).removesuffix("]")
            raw = f"{RAW}{family}]" if kind == "simulated" and family != "gymnasium" else ""
            raw = RAW_GYMNASIUM if family == "gymnasium" else raw
            share = f"{best[name] / best[raw]:.2f}" if raw in best else ""
            of = f"{best[name] / fastest:.2f}" if len(names) > 1 else "alone"
            low = " *" if best[name] < LEAST * fastest else ""
            print(
                f"{family:18}{kind:>12}{asked:13}{best[name]:16,.0f}{asked * best[name]:16,.0f}"
                f"{of:>16}{share:>16}{low}"
            )
    print(MEANING)


MEANING = f"""\
derivatives: evaluations of the state's derivative in a step, which is what a step consists of: one
in a finite MDP (a row of its table is read), 4 in a Runge-Kutta step, and in a robot's step its
physical sub-steps times the stages of their integrator (Hopper and Walker2d: 4 of Runge-Kutta).
of the fastest: steps/s, among families of one kind of dynamics with equally many derivatives;
* marks less than {LEAST:.2f}. of raw: of `mj_step` with the same models, starts and actions, open
loop, which is the ceiling; `gymnasium`, any environment in Python: of a bare loop around CartPole.
Finite MDPs differ in actions (a softmax of 6 takes some 15 ns longer than one of 4) and in the size
of their tables: taxi's 100 lanes of 500 states fill 16 MB of a cache that other programs share.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
