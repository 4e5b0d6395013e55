"""Files with one thing wrong in them, some with a digest that matches what is wrong.

Everything is drawn from a seed, so that each comes back.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mutations import EXTREME

from fedrl.benchmark.storage import manifests, tables
from fedrl.benchmark.storage.sealed_npz import seal, unseal

Draw = random.Random
NASTY = (
    b"", b"\0", b"\xff\xfe", b"{}", b"[]", b"null", b"1", b'""', b"[" * 100_000, b'{"a":' * 50_000,
    b"NaN", b"a,b\n=1,2\n", b"\xef\xbb\xbf{}", b"x = 1\n", b"PAR1PAR1", b"PK\x05\x06" + bytes(18),
)  # fmt: skip
ODD: tuple[Any, ...] = tuple(
    np.asarray(value)
    for value in (
        *(0.0, float("nan"), -1, 2**62, "words", "", True, 1j, [], [[]], [1, 2, 3], ["a"]),
        *(np.zeros((3, 2)), np.zeros((1, 0)), np.zeros(1000, np.int8), np.array(b"\xff")),
    )
)


class Damaged(NamedTuple):
    """A file with one thing wrong in it."""

    content: bytes
    sealed: bool  # by a digest of what is wrong: a forgery, no accident


def damaged(content: bytes, name: str, draw: Draw) -> Damaged:
    """A file of that name with one thing wrong in it."""
    try:
        if draw.random() < 0.5:
            return Damaged(_sealed(content, name, draw), True)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, pa.ArrowException):
        pass  # that cannot be written into such a file
    return Damaged(draw.choice(RAW)(content, draw), False)


def _truncated(content: bytes, draw: Draw) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _flipped(content: bytes, draw: Draw) -> bytes:
    wrong = bytearray(content or b"\0")
    for _ in range(draw.choice((1, 1, 4, 40))):
        wrong[draw.randrange(len(wrong))] ^= 1 << draw.randrange(8)
    return bytes(wrong)


def _replaced(content: bytes, draw: Draw) -> bytes:
    return draw.choice(NASTY)


def _spliced(content: bytes, draw: Draw) -> bytes:
    at = draw.randrange(len(content) + 1)
    return (
        content[:at] + draw.choice((*NASTY[:8], content[:50])) + content[at + draw.randrange(9) :]
    )


def _lines(content: bytes, draw: Draw) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = draw.randrange(len(lines))
    return b"".join([*lines[:at], *lines[at : at + 1] * draw.choice((0, 2)), *lines[at + 1 :]])


def _number(content: bytes, draw: Draw) -> bytes:
    """Another value in the place of a number or a word of a text."""
    places = list(re.finditer(rb"-?\b\d[\d.e+-]*|\"[^\"\n]*\"", content[:100_000]))
    if not places:
        return _flipped(content, draw)
    place, value = draw.choice(places), draw.choice(EXTREME)
    words = json.dumps(value) if not isinstance(value, float) else repr(value)
    return content[: place.start()] + words.encode() + content[place.end() :]


RAW: tuple[Callable[[bytes, Draw], bytes], ...] = (
    *(_truncated, _flipped, _replaced, _spliced, _lines, _number, _number),
)


def _sealed(content: bytes, name: str, draw: Draw) -> bytes:
    """Wrong in what it says, and sealed anew: digests find accidents, not this."""
    if name.startswith("manifest"):
        told = json.loads(content)
        told.pop(manifests.SEAL)
        return manifests.encode(_other(told, draw))
    if name.endswith(".json"):
        return (json.dumps(_other(json.loads(content), draw), indent=2) + "\n").encode()
    if name.endswith((".npz", ".checkpoint", ".result")):
        return seal(_arrays(unseal(content), draw))
    if name.endswith(".parquet"):
        return _table(content, name, draw)
    raise ValueError(name)


def _other(told: Any, draw: Draw) -> Any:
    """JSON with one entry dropped, or replaced, at any depth."""
    if not isinstance(told, dict | list) or not told or draw.random() < 0.03:
        return draw.choice(EXTREME)
    entries: Any = dict(told) if isinstance(told, dict) else list(told)
    key: Any = draw.choice(list(told)) if isinstance(told, dict) else draw.randrange(len(told))
    if draw.random() < 0.15:
        del entries[key]
    else:
        entries[key] = _other(told[key], draw)
    return entries


def _arrays(arrays: dict[str, Any], draw: Draw) -> dict[str, Any]:
    name = draw.choice(list(arrays))
    kind = draw.randrange(4)
    if kind == 0:
        return {other: array for other, array in arrays.items() if other != name}
    if kind == 1:
        return arrays | {name: draw.choice(ODD)}
    if kind == 2:
        return arrays | {name: arrays[draw.choice(list(arrays))]}
    return arrays | {draw.choice(("x", "row/x", "memory/x", "../x", "")): draw.choice(ODD)}


def _table(content: bytes, name: str, draw: Draw) -> bytes:
    """Columns dropped, retyped, with other values, rows dropped; the digest and key match."""
    table = pq.read_table(pa.BufferReader(content))
    metadata, at = dict(table.schema.metadata), draw.randrange(table.num_columns)
    column, rows = table.column_names[at], table.num_rows
    values: list[Any] = draw.choice(
        (
            *([None] * rows, [float("nan")] * rows, [float("inf")] * rows, ["words"] * rows),
            *([[1]] * rows, [True] * rows, [-1] * rows, [1e308] * rows, [2**62] * rows),
            *([b"\xff"] * rows, [{"a": 1}] * rows, [""] * rows, [0] * rows),
        )
    )
    kind = draw.randrange(4)
    if kind == 0:
        table = table.remove_column(at)
    elif kind == 1:
        table = table.slice(0, draw.choice((0, 1, rows - 1)))
    elif kind == 2:
        table = table.append_column(draw.choice(("x", column, "=x", "")), pa.array(values))
    else:
        table = table.set_column(at, column, pa.array(values))
    if tables.KEY in metadata:
        if draw.random() < 0.2:
            metadata[tables.KEY] = draw.choice((b"", b"\xff", b"other", b"0" * 32))
        metadata[tables.DIGEST] = tables._digest(table, metadata[tables.KEY])
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def resealed(folder: Path, name: str) -> None:
    """Digests and crate of a published study, made to match the file that was damaged."""
    from fedrl.benchmark.publishing import crate, sources

    digest = sources.sha256(folder / name)
    for path in (folder / sources.DIGESTS, folder / crate.NAME):
        if path.name in (name, *()) or not path.is_file():
            continue
        text = path.read_text()
        told = json.loads(text)
        if path.name == crate.NAME:
            for entry in told["@graph"]:
                if entry.get("@id") == name:
                    entry["sha256"] = digest
        else:
            for table in (told["artefacts"], told["source"]):
                if name in table:
                    table[name] = digest
        path.write_bytes(sources.as_json(told))
