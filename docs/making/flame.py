"""docs/flame.svg: where a round's time goes. `python docs/making/flame.py`, with py-spy installed.

Rounds of FedSVRPG-M on CartPole with full episodes (T = 20, B = 1, 10 seeds × 10 agents), sampled
with native frames. A box is as wide as its share of samples; what it called stands on it.
"""

import html
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "flame.svg"
SECONDS, RATE = 8.0, 100  # of processor time; samples a second
WIDTH, HEIGHT, LEAST = 1000, 17, 0.003  # pixels; the smallest share that is drawn
LIBRARIES = {
    "torch": r"libtorch|libc10",
    "BLAS": r"openblas|numba/_lapack",
    "C library": r"libc\.so|libm\.so|libstdc|ld-linux",
    "NumPy": r"numpy|_multiarray",
    "Python": r"libpython|_helperlib|_dispatcher|\.pyenv",
}
COLOURS = {"compiled": "#f4a582", "torch": "#d9d9d9", "BLAS": "#fddbc7", "Python": "#d1e5f0"}

Tree = dict[str, Any]  # name: [samples, Tree]


def work() -> None:
    """Rounds for `SECONDS`, after one that compiles."""
    import torch

    from fedrl.benchmark.config.configuration import Config, Run
    from fedrl.benchmark.config.seeds import Seed
    from fedrl.benchmark.execution.attempt import one_thread
    from fedrl.benchmark.training.rounds.round import round_, start

    config = Config(
        family="cartpole", algorithm="fedsvrpg-m", agents=10, step_size=1e-5,
        options={"horizon": 20},
    )  # fmt: skip
    with one_thread(), torch.no_grad():
        batch = start([Run(config, Seed("test", seed)) for seed in range(10)])
        round_(*batch)
        measured(lambda: round_(*batch))


def measured(call: Callable[[], Any]) -> None:
    """What is drawn are samples inside this function."""
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        call()


def named(frame: str) -> str:
    """What a reader calls a frame of py-spy's: our function, a library, or compiled code."""
    name, _, place = frame.rstrip(")").rpartition(" (")
    if name.startswith("0x") and place == "?":
        return "compiled"
    known = (library for library, found in LIBRARIES.items() if re.search(found, place))
    return next(known, name.split(".<locals>")[0])


def tree(lines: list[str]) -> Tree:
    """Samples of `measured` rounds; neighbours of one name are one box."""
    root: Tree = {}
    for line in lines:
        stack, _, count = line.rpartition(" ")
        names = [named(frame) for frame in stack.split(";")]
        level = root
        if "round_" not in names or "measured" not in names:
            continue
        for place in range(names.index("round_"), len(names)):
            if names[place] != names[place - 1]:
                level.setdefault(names[place], [0, {}])[0] += int(count)
                level = level[names[place]][1]
    return root


def boxes(
    level: Tree, left: float, floor: int, whole: float
) -> list[tuple[str, float, float, int]]:
    """(name, left, share, floor) of all boxes that are wide enough."""
    found = []
    for name, (count, above) in sorted(level.items()):
        share = count / whole
        if share >= LEAST:
            found += [(name, left, share, floor), *boxes(above, left, floor + 1, whole)]
        left += share
    return found


def svg(found: list[tuple[str, float, float, int]]) -> str:
    """The picture: the round below, what it called above."""
    top = max(floor for *_, floor in found) + 1
    style = "text{font:11px sans-serif}rect{stroke:#fff}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top * HEIGHT}">'
        f"<style>{style}</style>"
    ]
    for name, left, share, floor in found:
        x, y, wide = left * WIDTH, (top - 1 - floor) * HEIGHT, share * WIDTH
        colour, told = COLOURS.get(name, "#92c5de"), f"{html.escape(name)} {share:.1%}"
        shown = html.escape(name[: int(wide / 6.2)])
        text = f'<text x="{x + 2:.1f}" y="{y + 12}">{shown}</text>' if wide > 20 else ""
        parts.append(
            f'<g><title>{told}</title><rect x="{x:.1f}" y="{y}" width="{wide:.1f}" '
            f'height="{HEIGHT}" fill="{colour}"/>{text}</g>'
        )
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Record, draw, and print the share of what a round spends its time in by itself."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        command = ["py-spy", "record", "--native", "-r", str(RATE), "-f", "raw", "-o", str(raw)]
        subprocess.run([*command, "--", sys.executable, __file__, "work"], check=True)
        level = tree(raw.read_text("utf-8").splitlines())
    whole = level["round_"][0]
    OUT.write_text(svg(boxes(level, 0.0, 0, whole)), "utf-8")
    for name, share in sorted(alone(level, whole).items(), key=lambda item: -item[1])[:16]:
        print(f"{share:6.1%} {name}")


def alone(level: Tree, whole: float) -> dict[str, float]:
    """Share of the samples whose innermost box has a name."""
    found: dict[str, float] = {}
    for name, (count, above) in level.items():
        own = (count - sum(inner for inner, _ in above.values())) / whole
        found[name] = found.get(name, 0.0) + own
        for other, share in alone(above, whole).items():
            found[other] = found.get(other, 0.0) + share
    return found


if __name__ == "__main__":
    work() if "work" in sys.argv else main()
