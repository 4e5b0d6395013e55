"""Sources of a report, kept beside it, so that anyone can rebuild it.

    <report>/source/records.parquet    the tidy table, wall seconds as stored; the same bytes again
    <report>/source/provenance.json    title, description, and where the numbers come from
    <report>/source/digests.json       SHA-256 of every artefact, and the versions that drew them

A published study is such a folder without the report around it.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from fedrl.benchmark.config.settings import located
from fedrl.benchmark.storage.files import (
    StoreError,
    explaining,
    plain_bytes,
    write_atomically,
    write_below,
)
from fedrl.reports.page.film import PICTURES

if TYPE_CHECKING:
    from fedrl.reports.table.surfaces.from_records import Designed

RECORDS, PROVENANCE, DIGESTS = "records.parquet", "provenance.json", "digests.json"
FOLDER, PAGE, PAPER, SUMMARY = "source", "index.html", "report.tex", "summary.md"
REPORT = (PAGE, PAPER, SUMMARY, "figures", "tables", PICTURES, FOLDER)  # all that a report is
AS_JSON = b"fedrl.json"  # names of columns whose entries are JSON: those of several types
DRAWN_WITH = ("jinja2", "matplotlib", "numpy", "pandas", "plotly", "scipy", "seaborn")


class Source(NamedTuple):
    """Everything a report is a function of, as it is read from its files."""

    frame: pd.DataFrame
    provenance: dict[str, Any]
    title: str
    description: str
    files: dict[str, bytes]  # records and provenance: name -> content


class Digests(NamedTuple):
    """SHA-256 digests of a report and its sources, and the versions that drew it."""

    artefacts: dict[str, str]  # path below the report -> SHA-256, in hexadecimal
    source: dict[str, str]  # the same of records and provenance
    versions: dict[str, str]  # of what drew it


def make_report(
    source: Source,
    out: Path,
    designed: Designed | None = None,
    tell: Callable[[str], None] | None = None,
    pool: Executor | None = None,
    films: Callable[[], Sequence[str]] = list,
) -> dict[str, str]:
    """Write the report into `out`; digests of its artefacts, nothing else that is there.

    StoreError where the source is none: whatever is wrong with somebody's records is their fault.
    `designed`: the surfaces of the source's frame, where it has a design and they are known. `tell`
    hears which part is being made; processes of a `pool` help. `films`
    makes films, and names the families that have one, while others draw; the source is without.
    """
    from fedrl.benchmark.publishing.records import with_theory
    from fedrl.reports import write_report

    words = {"title": source.title, "description": source.description}
    try:
        frame, told = with_theory(source.frame), source.provenance
        write_report(
            frame, told, out, **words, designed=designed, tell=tell, pool=pool, films=films
        )
    except OSError:
        raise
    except Exception as error:  # columns of other types, a provenance without its parts
        raise StoreError(f"no report can be made of these records: {located(error)}") from error
    written = [out / PAGE, out / PAPER, out / SUMMARY]
    written += [path for part in ("figures", "tables") for path in (out / part).glob("*")]
    return {path.relative_to(out).as_posix(): sha256(path) for path in sorted(written)}


def packed(frame: pd.DataFrame, provenance: dict[str, Any], title: str, description: str) -> Source:
    """The content of a report's files: the report can be rebuilt from them."""
    told = {"title": title, "description": description, "provenance": provenance}
    return _decode({RECORDS: _encode_frame(frame), PROVENANCE: as_json(told)})


def with_provenance(source: Source, provenance: dict[str, Any]) -> Source:
    """The same records, byte for byte; the provenance in the order in which it will be read."""
    told = {"title": source.title, "description": source.description, "provenance": provenance}
    files = source.files | {PROVENANCE: as_json(told)}
    return source._replace(provenance=json.loads(files[PROVENANCE])["provenance"], files=files)


def write_source(source: Source, artefacts: dict[str, str], folder: Path) -> None:
    """The three files; the digests last."""
    write_below(folder, source.files)
    texts = {name: hashlib.sha256(text).hexdigest() for name, text in source.files.items()}
    digests = Digests(artefacts, texts, drawn_with())
    write_atomically(folder / DIGESTS, as_json(digests._asdict()))


def read_source(folder: Path) -> Source:
    """StoreError unless the folder holds a source that can be read."""
    try:
        return _decode({name: plain_bytes(folder / name) for name in (RECORDS, PROVENANCE)})
    except OSError as error:
        raise StoreError(f"cannot read {error.filename}: {error.strerror}") from None
    except KeyError as error:  # rewritten by a program that drops what it does not know
        lost = error.args[0]
        name = lost.decode(errors="replace") if isinstance(lost, bytes) else lost
        raise StoreError(f"the records in {folder} are corrupt: they lack {name!r}") from None
    except (pa.ArrowException, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"the records in {folder} are corrupt: {reason}") from None


def read_digests(folder: Path) -> Digests:
    """StoreError unless they can be read."""
    with reading(folder / DIGESTS) as told:
        read = Digests(**TypeAdapter(dict[str, dict[str, str]]).validate_python(told, strict=True))
    require_inside([*read.artefacts, *read.source], folder / DIGESTS)
    return read


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """What a JSON file holds; StoreError unless it can be read and has what the block looks for."""
    try:
        yield json.loads(plain_bytes(path))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
        raise StoreError(f"{path} is corrupt") from None


def require_inside(names: Iterable[str], where: Path) -> None:
    """StoreError for a name in the file `where` that, with / between parts, leaves its folder."""
    for name in names:
        path = PurePosixPath(name)
        if path.as_posix() != name or name == "." or path.is_absolute() or ".." in path.parts:
            raise StoreError(f"{where} names {name!r}, which is not a file below {where.parent}")


def edited(folder: Path, recorded: Digests) -> list[str]:
    """Files of a source that are not what their digests say."""
    found = []
    for name, digest in sorted(recorded.source.items()):
        with explaining(f"cannot read {folder / name}"):
            if (folder / name).is_symlink() or sha256(folder / name) != digest:
                found.append(name)
    return found


def source_folder(report: Path) -> Path:
    """Find the sources of a report or published study; StoreError when there are none."""
    for folder in (report / FOLDER, report):
        if (folder / DIGESTS).is_file():
            return folder
    if not report.exists():
        raise StoreError(f"there is no folder {report}")
    raise StoreError(
        f"{report} holds no {FOLDER}/{DIGESTS}: it is not a report of `fedrl report`, nor a study "
        "of `fedrl publish`; an older report gets its source by writing it again"
    )


def drawn_with() -> dict[str, str]:
    """Versions that decide the bytes of an artefact."""
    return {"python": platform.python_version()} | {name: version(name) for name in DRAWN_WITH}


def sha256(path: Path) -> str:
    """In hexadecimal."""
    return hashlib.sha256(plain_bytes(path)).hexdigest()


def as_json(value: Any) -> bytes:
    """Sorted and indented, so that versions of it can be compared line by line."""
    return (json.dumps(value, indent=2, sort_keys=True, default=str) + "\n").encode()


def _encode_frame(frame: pd.DataFrame) -> bytes:
    mixed = [str(name) for name in frame.columns if _is_mixed(frame[name])]
    told = frame.assign(**{name: frame[name].map(_entry) for name in mixed})
    table = pa.Table.from_pandas(told, preserve_index=False)
    table = table.replace_schema_metadata({AS_JSON: json.dumps(mixed).encode()})
    sink = io.BytesIO()
    numbers = [column.name for column in table.schema if pa.types.is_floating(column.type)]
    words = [name for name in table.column_names if name not in numbers]
    # Bytes of equal weight stand together, which nearly random digits are smaller by.
    split = {"use_dictionary": words, "use_byte_stream_split": numbers}
    pq.write_table(table, sink, compression="zstd", compression_level=9, **split)
    return sink.getvalue()


def _decode(files: dict[str, bytes]) -> Source:
    table = pq.read_table(io.BytesIO(files[RECORDS]))
    frame = table.to_pandas()
    for name in json.loads(table.schema.metadata[AS_JSON]):
        frame[name] = frame[name].map(json.loads).astype(object)
    known = json.loads(files[PROVENANCE])
    kinds = {"provenance": dict, "title": str, "description": str}
    for name, kind in kinds.items():
        if not isinstance(known[name], kind):
            raise TypeError(f"{name} is {known[name]!r}; it must be a {kind.__name__}")
    return Source(frame, known["provenance"], known["title"], known["description"], files)


def _is_mixed(column: Any) -> bool:
    return column.dtype == object and not all(
        isinstance(value, str) or pd.isna(value) for value in column
    )


def _entry(value: Any) -> str:
    missing = isinstance(value, float) and pd.isna(value)
    return json.dumps(None if missing else getattr(value, "item", lambda: value)())
