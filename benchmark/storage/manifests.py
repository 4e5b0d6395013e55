"""Manifests on disk: what the runs of a configuration were computed from, sealed by a digest.

<cell.id>/manifest.json            of the first machine, code and versions
<cell.id>/manifest-1f2e3d4c.json   of others, named by its digest
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fedrl.benchmark.config.configuration import identity
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage.files import CorruptFileError, read_plain, set_aside, write_atomically
from fedrl.benchmark.storage.provenance import json_digest, key_of

Manifest = dict[str, Any]
SEAL = "digest"


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Store it unless it is there; those of other machines or versions stay."""
    content, path = encode(manifest), folder / "manifest.json"
    if path.exists():
        try:
            if read_manifest(path) == manifest:
                return
        except CorruptFileError:
            set_aside(path)
        else:
            path = folder / other_name(manifest)
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def encode(manifest: Manifest) -> bytes:
    """The bytes of the file."""
    sealed = manifest | {SEAL: json_digest(manifest)}
    return (json.dumps(sealed, indent=2, sort_keys=True) + "\n").encode()


def read_manifest(path: Path) -> Manifest:
    """The verified manifest; FileNotFoundError, or CorruptFileError."""
    try:
        sealed = json.loads(read_plain(path))
        if sealed.pop(SEAL) == json_digest(sealed) and _has_shape(sealed):
            return sealed  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise CorruptFileError(path)


def _has_shape(manifest: Manifest) -> bool:
    """Whether everything that is read from a manifest is there, and of its type."""
    versions = manifest["versions"]
    tables = manifest["cell"], manifest["machine"], versions
    return (
        all(isinstance(table, dict) for table in tables)
        and all(isinstance(version, str) for version in [versions["python"], *versions.values()])
        and {"code", "execution"} <= manifest.keys()
        and identity(manifest["cell"]) is not None
    )


def manifest_files(folder: Path) -> list[Path]:
    """All manifests of a configuration, the first one first."""
    return sorted(folder.glob("manifest*.json"), key=lambda path: (len(path.name), path.name))


def spoken_for(
    result: Path, seed: Seed, key: str, note: Callable[[CorruptFileError], None] = lambda _: None
) -> list[Manifest]:
    """The manifests beside a result file that speak of its run; of corrupt ones `note` hears."""
    there = []
    for path in manifest_files(result.parent):
        try:
            there.append(read_manifest(path))
        except FileNotFoundError:
            continue
        except CorruptFileError as error:
            note(error)
    return speaking_for(there, result.parent, seed, key)


def other_name(manifest: Manifest) -> str:
    """Name of a manifest that is not the first of its config."""
    return f"manifest-{json_digest(manifest)[:8]}.json"


def speaking_for(
    manifests: Iterable[Manifest], folder: Path, seed: Seed, key: str
) -> list[Manifest]:
    """Those that describe the run with this key: a config may hold runs of several versions.

    A manifest of another configuration than the folder is named by speaks of nothing in it.
    """
    return [
        manifest
        for manifest in manifests
        if identity(manifest["cell"]) == folder.name
        and key_of(manifest["cell"], seed, manifest["code"], manifest["versions"]) == key
    ]
