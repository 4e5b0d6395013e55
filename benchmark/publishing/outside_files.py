"""Learning curves out of files that other programs write: CSV, TensorBoard, W&B, SB3, marl-eval."""

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fedrl.benchmark.storage.files import StoreError, plain_bytes
from fedrl.envs.family import Array
from fedrl.envs.validation import nearest

STEPS = ("steps", "step", "steps_per_agent", "timesteps", "total_timesteps", "global_step")
SCORES = ("score", "return", "value", "reward", "mean_reward", "episode_return")
EPISODES = 20  # of a monitor file that one point is the mean of
KINDS = (
    "a CSV with algorithm, seed, steps and score, a CSV export of W&B, evaluations.npz or "
    "monitor.csv of Stable-Baselines3, JSON of marl-eval, or a folder of TensorBoard events"
)


class Curve(NamedTuple):
    """One run of another program."""

    family: str
    algorithm: str
    run: str  # its name there
    steps: Array  # (P,) rising
    score: Array  # (P,)
    columns: tuple[str, str] = ("steps", "score")  # what both are called there


def read(
    path: Path, family: str | None = None, algorithm: str | None = None, metric: str | None = None
) -> list[Curve]:
    """All curves of a file or folder; StoreError, in one line, for what is none.

    `family` and `algorithm` are for files that name none; `metric`, where a file holds several.
    Warns of points that are left out.
    """
    place, own = family or "imported", algorithm or path.resolve().parent.name
    try:
        if not path.is_dir():
            plain_bytes(path)
        if path.is_dir():
            found = list(_tensorboard(path, place, algorithm, metric))
        elif path.suffix == ".npz":
            found = [_evaluations(path, place, own)]
        elif path.suffix == ".json":
            found = list(_marl_eval(json.loads(path.read_text("utf-8")), metric))
        elif path.suffix == ".csv":
            found = list(_csv(path, place, own, metric))
        else:
            raise StoreError(f"{path}: it must be {KINDS}")
        curves = [_sound(path, curve) for curve in found]
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from None
    except StoreError:
        raise
    except Exception as error:  # whatever other programs wrote, and their readers make of it
        raise StoreError(f"{path} is not {KINDS}: {' '.join(str(error).split())}") from None
    if not curves:
        raise StoreError(f"{path} holds no curve")
    if left := _left_out(found, curves):
        warnings.warn(f"{path}: {left}", stacklevel=2)
    return curves


def _left_out(found: Sequence[Curve], curves: Sequence[Curve]) -> str | None:
    """Say how many points are not in the curves, and for which column; None if all are."""
    numbers: dict[str, int] = {}
    finite = 0
    for curve in found:
        known = [np.isfinite(np.asarray(v, dtype=float)) for v in (curve.steps, curve.score)]
        for name, fine in zip(curve.columns, known, strict=True):
            numbers[name] = numbers.get(name, 0) + int((~fine).sum())
        finite += int(np.logical_and(*known).sum())
    reasons = [f"{name} is not finite in {count}" for name, count in numbers.items() if count]
    if doubled := finite - sum(len(curve.steps) for curve in curves):
        reasons.append(f"{doubled} have the steps of another one of their run")
    total = sum(len(curve.steps) for curve in found)
    left = total - finite + doubled
    return f"{left} of {total} points are left out: {', '.join(reasons)}" if reasons else None


def _sound(path: Path, curve: Curve) -> Curve:
    """Points with numbers, in their order, one per step."""
    steps, score = np.asarray(curve.steps, dtype=float), np.asarray(curve.score, dtype=float)
    known = np.isfinite(steps) & np.isfinite(score)
    steps, first = np.unique(steps[known], return_index=True)
    if not len(steps):
        raise StoreError(f"{path}: {curve.algorithm} {curve.run} has no point")
    if steps[0] < 0:
        raise StoreError(f"{path}: {curve.algorithm} {curve.run} has a point at {steps[0]:g} steps")
    return curve._replace(steps=steps, score=score[known][first])


def _column(path: Path, frame: Any, names: tuple[str, ...]) -> str:
    for name in names:
        if name in frame.columns:
            return name
    raise StoreError(f"{path} has no column {' or '.join(names)}; it has {list(frame.columns)}")


def _csv(path: Path, family: str, algorithm: str, metric: str | None) -> Iterator[Curve]:
    with path.open(encoding="utf-8") as lines:
        monitored = lines.readline().startswith("#")
    frame = pd.read_csv(path, skiprows=1 if monitored else 0)
    if monitored:
        whole = len(frame) // EPISODES * EPISODES or len(frame)
        parts = np.array_split(np.arange(whole), max(1, whole // EPISODES))
        steps, rewards = frame["l"].cumsum().to_numpy(), frame["r"].to_numpy()
        ends, means = [steps[p[-1]] for p in parts], [rewards[p].mean() for p in parts]
        yield Curve(family, algorithm, path.stem, np.array(ends), np.array(means), ("l", "r"))
    elif "Step" in frame.columns:
        yield from _wandb(path, frame, family, algorithm, metric)
    else:
        x, y = _column(path, frame, STEPS), metric or _column(path, frame, SCORES)
        if y not in frame.columns:
            raise StoreError(f"{path}: {nearest('column', y, list(frame.columns))}")
        keys = {"family": family, "algorithm": algorithm, "seed": 0}
        told = frame.assign(**{k: v for k, v in keys.items() if k not in frame.columns})
        for (place, name, seed), own in told.groupby(list(keys), sort=True):
            steps, score = own[x].to_numpy(), own[y].to_numpy()
            yield Curve(str(place), str(name), str(seed), steps, score, (x, y))


def _wandb(
    path: Path, frame: Any, family: str, algorithm: str, metric: str | None
) -> Iterator[Curve]:
    """Columns `<run> - <metric>`; those of the smoothed ends are left out."""
    # An empty cell is a step of another run; "NaN" is what the run logged.
    empty = pd.read_csv(path, dtype=str, keep_default_na=False) == ""
    for column in frame.columns:
        run, dash, name = str(column).rpartition(" - ")
        if not dash or name.endswith(("__MIN", "__MAX")) or metric not in (None, name):
            continue
        own, seed = _parted(run, algorithm)
        part = frame[~empty[column]]
        steps, score = part["Step"].to_numpy(), part[column].to_numpy()
        yield Curve(family, own, seed, steps, score, ("Step", str(column)))


def _parted(run: str, otherwise: str) -> tuple[str, str]:
    """Algorithm and seed of a run called ppo-seed3, ppo_3 or ppo/3."""
    found = re.fullmatch(r"(.*?)[-_/ ](?:seed[-_=]?)?(\d+)", run)
    return (found[1], found[2]) if found else (run or otherwise, "0")


def _evaluations(path: Path, family: str, algorithm: str) -> Curve:
    with np.load(path, allow_pickle=False) as held:
        steps, results = held["timesteps"], held["results"]
    run, names = path.resolve().parent.name, ("timesteps", "results")
    return Curve(family, algorithm, run, steps, results.mean(axis=1), names)


def _marl_eval(told: dict[str, Any], metric: str | None) -> Iterator[Curve]:
    """{environment: {task: {algorithm: {run: {step_i: {step_count, metric: [...]}}}}}}."""
    for environment, tasks in told.items():
        for task, algorithms in tasks.items():
            for algorithm, runs in algorithms.items():
                for run, points in runs.items():
                    kept = [p for key, p in points.items() if key != "absolute_metrics"]
                    known = [n for n in kept[0] if n not in ("step_count", "elapsed_time")]
                    name = metric or ("mean_episode_return" if len(known) > 1 else known[0])
                    x = [point["step_count"] for point in kept]
                    y = [float(np.mean(point[name])) for point in kept]
                    place = f"{environment}/{task}"
                    names = ("step_count", name)
                    yield Curve(place, algorithm, run, np.array(x), np.array(y), names)


def _tensorboard(
    folder: Path, family: str, algorithm: str | None, metric: str | None
) -> Iterator[Curve]:
    """Every folder below with events is a run, ALGORITHM/SEED or ALGORITHM_SEED."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise StoreError("TensorBoard events need tensorboard: pip install tensorboard") from None
    for place in sorted({path.parent for path in folder.rglob("*tfevents*")}):
        held = EventAccumulator(str(place), size_guidance={"scalars": 0}).Reload()
        tags = held.Tags()["scalars"]
        tag = metric or next((t for t in tags if t.endswith(("ep_rew_mean", *SCORES))), None)
        if tag not in tags:
            raise StoreError(f"{place} has no scalar {tag}; name one with --metric: {tags}")
        name = place.relative_to(folder).as_posix()
        own, seed = _parted(folder.name if name == "." else name, folder.name)
        events = held.Scalars(tag)
        x, y = np.array([e.step for e in events]), np.array([e.value for e in events])
        yield Curve(family, algorithm or own, seed, x, y, ("step", str(tag)))
