"""Tables as Parquet bytes, with the key of their run and a digest of their content."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedrl.benchmark.storage.files import CorruptFileError, read_if_there
from fedrl.envs.family import Array

KEY, DIGEST = b"fedrl.run", b"fedrl.content"
SECONDS = ".seconds.parquet"


def encode_table(columns: dict[str, Array], key: str) -> bytes:
    """Columns of a run as bytes."""
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    metadata = {KEY: key.encode(), DIGEST: _digest(table, key.encode())}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink, write_page_checksum=True)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def read_table(path: Path) -> Any:
    """The verified table of a file, or None if there is no such file."""
    content = read_if_there(path)
    return None if content is None else parse_table(content, path)


def parse_table(content: bytes, path: Path) -> Any:
    """The verified table in the bytes of the file `path`."""
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        metadata = table.schema.metadata
        intact = metadata[DIGEST] == _digest(table, metadata[KEY]) and _has_shape(table, path)
        metadata[KEY].decode()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise CorruptFileError(path)
    return table


def _has_shape(table: Any, path: Path) -> bool:
    """Whether there are rows, and the columns that every file of this name has."""
    needed = ("seconds",) if path.name.endswith(SECONDS) else ("round",)
    plain = all(
        pa.types.is_primitive(kind) or pa.types.is_string(kind) for kind in table.schema.types
    )
    return table.num_rows > 0 and plain and set(needed) <= set(table.column_names)


def _digest(table: Any, key: bytes) -> bytes:
    """Digest names, types and values: page checksums miss a file's header and footer."""
    content = hashlib.blake2b(key, digest_size=16)
    for name in table.column_names:
        values = table[name].to_numpy()
        content.update(f"{name}:{table[name].type}:{len(values)}\0".encode())
        content.update(repr(values.tolist()).encode())
    return content.hexdigest().encode()
