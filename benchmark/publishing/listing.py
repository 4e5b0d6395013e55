"""The files of a published study against what its crate lists, and its whole runs."""

from pathlib import Path

import pandas as pd

from fedrl.benchmark.publishing import crate
from fedrl.benchmark.publishing.sources import sha256
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import CorruptFileError
from fedrl.benchmark.storage.manifests import spoken_for
from fedrl.benchmark.storage.provenance import differing
from fedrl.benchmark.storage.store import result_files
from fedrl.benchmark.storage.tables import KEY, read_table

KEPT = "runs/*/*.parquet"  # whole runs, below the folder


def unlisted(folder: Path) -> list[str]:
    """Files that are not as the crate lists them: edited, missing, or beside it; sorted."""
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.name != crate.NAME
    }
    digests = {
        name: sha256(path) if path.is_file() and not path.is_symlink() else ""
        for name, path in there.items()
    }
    return list(differing(crate.listed(folder), digests))


def unsound_runs(folder: Path) -> list[str]:
    """Files of whole runs that are corrupt, or that no manifest beside them speaks of."""
    bad = []
    for path, seed in result_files(folder, KEPT).items():
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
    for path, seed in result_files(folder, KEPT).items():
        run = read_table(path).to_pandas()
        of_run = (frame["cell"] == path.parent.name) & (frame["seed"] == seed.index)
        rows = frame[of_run].set_index("round")
        own = run.set_index("round").reindex(rows.index)
        shared = [column for column in own if column in rows]
        same = (rows[shared] == own[shared]) | rows[shared].isna()
        if rows.empty or not same.all(axis=None) or not rows.index.isin(run["round"]).all():
            bad.append(path.relative_to(folder).as_posix())
    return bad


def kept_runs(folder: Path) -> list[str]:
    """Paths below the folder of the runs that are kept whole."""
    return [path.relative_to(folder).as_posix() for path in result_files(folder, KEPT)]
