"""The present state of a running study and of its tuning, read from the store alone.

Any machine that sees the folder of results can tell: finished runs are files, unfinished ones have
checkpoints, and a tuning has a journal. Nothing is written and nothing is computed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError, UntunedStudyError
from fedrl.benchmark.execution.checkpoint import Checkpoints, decode
from fedrl.benchmark.storage.files import CorruptFileError, read_plain
from fedrl.benchmark.storage.provenance import run_key
from fedrl.benchmark.storage.store import Store, result_files
from fedrl.envs.family import Array
from fedrl.reports.table.identity import identities
from fedrl.reports.table.presentation import Presentation

POINTS = 60  # of a curve
Curve = tuple[Array, Array]  # steps per agent, score


class Watcher:
    """Reads every file of a study once, and again when it has changed.

    The study too is read again: its runs are others when its tuned values are. Until all of them
    are there it is untuned, and what it will run is only counted.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        results: Path,
        overrides: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> None:
        self._load = partial(load_study, name_or_path, overrides, only)
        try:
            self._study, self._untuned = self._load(), False
        except UntunedStudyError:
            self._study, self._untuned = self._load(given=True), True
        self._tuned = _states(self._study.tuned)
        self._store = Store(results, self._study.name)
        self._checkpoints = Checkpoints.beside(self._store)
        self._known: dict[Path, tuple[int, Any]] = {}

    def state(self) -> dict[str, Any]:
        """Everything the page shows, as JSON."""
        self._follow_tuning()
        runs = self._study.runs()
        told = [(run, *self._look(run)) for run in runs]
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for entry in told:
            config = entry[0].config
            place = (config.family, config.kappa, config.agents, config.algorithm)
            groups.setdefault(place, []).append(entry)
        looks = identities(tuple(dict.fromkeys(place[3] for place in groups)))
        shown = Presentation()
        lines = [
            {
                **{"family": family, "kappa": kappa, "agents": agents},
                "algorithm": shown.name(algorithm),
                "colour": looks[algorithm].colour,
                **self._counts([word for _, word, _ in own]),
                "curve": _mean([curve for _, _, curve in own if curve is not None]),
            }
            for (family, kappa, agents, algorithm), own in groups.items()
        ]
        failed = [f"{r.config.id} {r.seed.index}: {w}" for r, w, _ in told if w in FAILED]
        return {
            "study": self._study.name,
            "title": self._study.title,
            "untuned": self._untuned,
            **self._counts([word for _, word, _ in told]),
            "lines": lines,
            "failed": failed[:50],
            "tuning": self._tuning(),
        }

    def _follow_tuning(self) -> None:
        """Read the study again when files of tuned values were written."""
        now = _states(self._study.tuned)
        if now == self._tuned:
            return
        self._tuned = now
        with suppress(StudyError):  # values of other tasks are still missing
            self._study, self._untuned = self._load(), False

    def _counts(self, words: Sequence[str]) -> dict[str, int]:
        done = sum(word in ("finished", "diverged", "stale") for word in words)
        kinds = {kind: words.count(kind) for kind in ("diverged", "running", "stale", "damaged")}
        return {"expected": len(words), "finished": done, **kinds}

    def _look(self, run: Run) -> tuple[str, Curve | None]:
        """What became of a run, in a word, and its curve so far."""
        if self._untuned:  # stored runs of values set by hand are not those the study will have
            return "waiting", None
        path = self._store.path(run)
        if path.exists():
            return self._once(path, lambda: self._stored(run))  # type: ignore[no-any-return]
        begun = self._checkpoints.path(run)
        if begun.exists():
            return self._once(begun, lambda: self._begun(run, begun))  # type: ignore[no-any-return]
        return "waiting", None

    def _once(self, path: Path, read: Any) -> Any:
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # it was finished meanwhile
            return "waiting", None
        if self._known.get(path, (None,))[0] != changed:
            self._known[path] = changed, read()
        return self._known[path][1]

    def _stored(self, run: Run) -> tuple[str, Curve | None]:
        try:
            found = self._store.read(run)
        except CorruptFileError:
            return "damaged", None
        if found is None:
            return "waiting", None
        lost = bool(found.columns["diverged"][-1])
        word = "diverged" if lost else "stale" if found.stale else "finished"
        return word, _curve(run, found.columns)

    def _begun(self, run: Run, path: Path) -> tuple[str, Curve | None]:
        try:
            state = decode(read_plain(path), run_key(run))
        except (OSError, ValueError):
            return "waiting", None
        return "running", None if state is None else _curve(run, state.rows)

    def _tuning(self) -> dict[str, Any]:
        """Runs of tune and select seeds that are stored, and the trials of the journal."""
        seeds = result_files(self._store.folder, "*/*.parquet").values()
        counts = Counter(seed.namespace for seed in seeds)
        return {kind: counts[kind] for kind in ("tune", "select")} | {"tasks": self._journal()}

    def _journal(self) -> list[dict[str, Any]]:
        from fedrl.benchmark.tuning.journal import Lines, path_of, storage_of

        path = path_of(self._store.folder.parent, self._store.folder.name)
        if not path.exists():
            return []

        def read() -> list[dict[str, Any]]:
            try:
                storage = storage_of(Lines(read_plain(path)))
                return [_task(storage, study) for study in storage.get_all_studies()]
            except Exception:  # whatever Optuna makes of a damaged line
                told = f"{path.name} is damaged; `fedrl tune` writes it again"
                return [{"task": told, "trials": 0, "best": []}]

        return self._once(path, read)  # type: ignore[no-any-return]


FAILED = ("damaged", "diverged")


def _states(folder: str) -> dict[Path, int]:
    """When each file of tuned values was written."""
    found = {}
    for path in Path(folder).glob("**/*.toml"):
        with suppress(OSError):  # it is replaced in this moment
            found[path] = path.stat().st_mtime_ns
    return found


def _task(storage: Any, study: Any) -> dict[str, Any]:
    """One task of a tuning: trials so far, and the best score after each."""
    trials = storage.get_all_trials(study._study_id, deepcopy=False)
    scores = [float(t.value) for t in trials if t.value is not None and np.isfinite(t.value)]
    best = np.maximum.accumulate(scores).tolist() if scores else []
    return {"task": study.study_name, "trials": len(trials), "best": best}


def _curve(run: Run, columns: Mapping[str, Array]) -> Curve | None:
    if "steps_per_agent" not in columns:
        return None
    metric = getattr(registry.families()[run.config.family], "metric", "objective")
    name = metric if isinstance(metric, str) and metric in columns else "objective"
    steps, score = columns["steps_per_agent"], columns[name]
    known = np.isfinite(np.asarray(score, dtype=float))
    return (steps[known], score[known]) if known.any() else None


def _mean(curves: Sequence[Curve]) -> dict[str, list[float]] | None:
    """The mean over runs, as far as the run that is furthest; each as far as it goes."""
    if not curves:
        return None
    end = max(float(x[-1]) for x, _ in curves)
    grid = np.linspace(0, end, POINTS)
    values = np.stack([np.where(grid <= x[-1], np.interp(grid, x, y), np.nan) for x, y in curves])
    kept = np.isfinite(values).any(axis=0)
    mean = np.nanmean(values[:, kept], axis=0)
    return {"x": grid[kept].round(1).tolist(), "y": [float(f"{v:.5g}") for v in mean]}
