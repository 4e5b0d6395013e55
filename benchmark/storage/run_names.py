"""Names of stored runs, and the files they are: looked for without importing what reads them."""

import glob
import re
from difflib import get_close_matches
from pathlib import Path

from fedrl.benchmark.storage.files import StoreError

RESULT = re.compile(r"^(seed|tune|select)-(\d{5,})\.parquet$")
NAME = re.compile(
    r"^(?:(?P<study>[^/]+)/)?(?P<cell>[^/\s]+)[/\s]+(?P<seed>[a-z]+)[-\s]?(?P<n>\d+)$"
)


def path_of(name: str, results: Path, study: str | None = None) -> Path:
    """The file of a run; StoreError if there is none of that name, or several.

    A name is the path of a result file, or `<config.id>/seed-00003`, `<config.id> seed 3`, with or
    without the study before it.
    """
    if Path(name).is_file():
        return Path(name)
    named = NAME.match(name.strip().removesuffix(".parquet"))
    if named is None:
        raise _unknown(name, results, study)
    kind = "seed" if named["seed"] == "test" else named["seed"]
    file = f"{kind}-{int(named['n']):05d}.parquet"
    folders = f"{_plain(named['study'] or study)}/{_plain(named['cell'])}"
    found = sorted(results.glob(f"{folders}/{file}"))
    if not found:
        raise _unknown(name, results, study)
    if len(found) > 1:
        studies = [path.parent.parent.name for path in found]
        raise StoreError(f"{name} is stored in several studies: {', '.join(studies)}; add --study")
    return found[0]


def _plain(part: str | None) -> str:
    """As a pattern that matches only itself, or anything."""
    return "*" if part is None else glob.escape(part)


def _unknown(name: str, results: Path, study: str | None) -> StoreError:
    known = [
        f"{path.parent.parent.name}/{path.parent.name}/{path.stem}"
        for path in sorted(results.glob(f"{_plain(study)}/*/*.parquet"))
        if RESULT.match(path.name)
    ]
    if not known:
        return StoreError(
            f"no run {name!r}: there are no results in {results}; name their folder with --results"
        )
    close = get_close_matches("/".join(name.split("/")[-3:]), known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else f"; one is {known[0]!r}."
    return StoreError(f"no run {name!r}{hint} {results} holds {len(known)} runs")
