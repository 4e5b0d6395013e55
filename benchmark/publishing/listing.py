"""The files of a published study against what its crate lists, and its whole runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fedrl.benchmark.publishing import crate
from fedrl.benchmark.publishing.sources import sha256
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import CorruptFileError
from fedrl.benchmark.storage.manifests import spoken_for
from fedrl.benchmark.storage.store import parse_name
from fedrl.benchmark.storage.tables import KEY, read_table


def unlisted(folder: Path) -> list[str]:
    """Files that are not as the crate lists them: edited, missing, or beside it; sorted."""
    listed = crate.listed(folder)
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.name != crate.NAME
    }
    return sorted(
        name
        for name in {*listed, *there}
        if name not in there
        or name not in listed
        or there[name].is_symlink()
        or not there[name].is_file()
        or sha256(there[name]) != listed[name]
    )


def unsound_runs(folder: Path) -> list[str]:
    """Files of whole runs that are corrupt, or that no manifest beside them speaks of."""
    bad = []
    for path in sorted(folder.glob("runs/*/*.parquet")):
        seed = parse_name(path.name)
        if seed is None:
            continue
        try:
            key = read_table(path).schema.metadata[KEY].decode()
            theta = parameters.read(parameters.beside(path))
        except CorruptFileError as error:
            bad.append(error.path)
            continue
        if not spoken_for(path, seed, key):
            bad.append(path)
        elif theta is None or theta.key != key:
            bad.append(parameters.beside(path))
    return [path.relative_to(folder).as_posix() for path in bad]


def contradicted_runs(folder: Path, frame: pd.DataFrame) -> list[str]:
    """Whole runs whose numbers are not those that the records `frame` have of them.

    Records may leave out columns, and values that the report does not read.
    """
    bad = []
    for name in kept_runs(folder):
        run, seed = read_table(folder / name).to_pandas(), parse_name(Path(name).name)
        assert seed is not None
        of_run = (frame["cell"] == Path(name).parent.name) & (frame["seed"] == seed.index)
        rows = frame[of_run].set_index("round")
        own = run.set_index("round").reindex(rows.index)
        shared = [column for column in own if column in rows]
        same = all(_agree(rows[column], own[column]) for column in shared)
        if rows.empty or not same or not rows.index.isin(run["round"]).all():
            bad.append(name)
    return bad


def _agree(recorded: pd.Series, own: pd.Series) -> bool:
    """Whether all values that are recorded are the run's own."""
    known = recorded.notna()
    return bool(np.all(recorded[known].to_numpy() == own[known].to_numpy()))


def kept_runs(folder: Path) -> list[str]:
    """Paths below the folder of the runs that are kept whole."""
    runs = sorted(path for path in folder.glob("runs/*/*") if parse_name(path.name) is not None)
    return [path.relative_to(folder).as_posix() for path in runs]
