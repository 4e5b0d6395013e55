"""Print a table of ratios from a pytest-benchmark JSON: machines differ, ratios travel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import history

TARGETS = {  # benchmark: least ratio
    "halfcheetah_rollout": 0.90,
    "halfcheetah_training": 0.90,
    "halfcheetah_ppo": 0.60,
    "wide_sweep[1000]": 1.0,
    "wide_sweep[10000]": 1.0,
    "wide_sweep[100000]": 1.0,
}

FAMILY = "family["
LEAST = 0.70  # of the fastest comparable family


def main(path: str) -> int:
    """One row per benchmark: median processor time, steps/s, ratio; then families and targets.

    The ratios become a line of the history; 1 if one of them fell.
    """
    entries = json.loads(Path(path).read_text())["benchmarks"]
    told = {entry["name"].removeprefix("test_"): entry for entry in entries}
    print(f"{'benchmark':26} {'median ms':>10} {'steps/s':>12} {'ratio':>8}  of")
    ratios = {}
    for name, entry in told.items():
        facts, middle = entry["extra_info"], entry["stats"]["median"]
        ratio, beside = "", ""
        if "ratio" in facts:
            ratios[name], beside = facts["ratio"], facts["beside"]
            ratio = f"{facts['ratio']:.2f}"
        rate, once = facts["steps"] / middle, middle / facts["calls"]
        print(f"{name:26} {once * 1e3:10.2f} {rate:12,.0f} {ratio:>8}  {beside}")
    print("ratio: of steps/s, to those of the reference, which is timed before every call\n")
    print_families(told)
    for name, least in TARGETS.items():
        if name in ratios:
            beside = told[name]["extra_info"]["beside"]
            print(f"{name}: {ratios[name]:.2f} of {beside}, target {least:.2f}")
    past, now = history.read(), history.measured(ratios)
    history.add(now)
    history.draw([*past, now])
    fallen = history.falls(past, now)
    if history.busy(now):
        print(f"{now['load']} jobs a core: this measurement is kept, and compared with none")
    for name, (before, after) in fallen.items():
        print(f"{name} fell from {before:.2f} to {after:.2f}")
    return 1 if fallen else 0


def print_families(told: dict[str, dict[str, Any]]) -> None:
    """Sampling of every family beside comparable ones.

    Comparable: finite MDPs; compiled dynamics, or robots, that ask for the state's derivative
    equally often in a step. Processor time of the fastest call: other programs disturb a mean.
    """
    known = {name: entry for name, entry in told.items() if name.startswith(FAMILY)}
    if not known:
        return
    best = {name: e["extra_info"]["steps"] / e["stats"]["min"] for name, e in known.items()}
    groups: dict[tuple[str, int], list[str]] = {}
    for name, entry in known.items():
        facts = entry["extra_info"]
        groups.setdefault((facts["kind"], facts["evaluations"]), []).append(name)
    head = ("dynamics", "derivatives", "steps/s", "derivatives/s", "of the fastest")
    print(f"{'family':18}{head[0]:>12}{head[1]:>13}" + "".join(f"{h:>16}" for h in head[2:]))
    for (kind, asked), names in groups.items():
        fastest = max(best[name] for name in names)
        for name in names:
            family = name.removeprefix(FAMILY).removesuffix("]")
            of = f"{best[name] / fastest:.2f}" if len(names) > 1 else "alone"
            low = " *" if best[name] < LEAST * fastest else ""
            print(
                f"{family:18}{kind:>12}{asked:13}{best[name]:16,.0f}{asked * best[name]:16,.0f}"
                f"{of:>16}{low}"
            )
    print(MEANING)


MEANING = f"""\
derivatives: evaluations of the state's derivative in a step, which is what a step consists of: one
in a finite MDP (a row of its table is read), 4 in a Runge-Kutta step, and in a robot's step its
physical sub-steps times the stages of their integrator (Hopper and Walker2d: 4 of Runge-Kutta).
of the fastest: steps/s, among families of one kind of dynamics with equally many derivatives;
* marks less than {LEAST:.2f}. Robots have a ceiling above, `mj_step` with the same models, starts
and actions, open loop; `gymnasium`, any environment in Python, a bare loop around CartPole.
Finite MDPs differ in actions (a softmax of 6 takes some 15 ns longer than one of 4) and in the size
of their tables: taxi's 100 lanes of 500 states fill 16 MB of a cache that other programs share.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
