"""A published study described for machines: RO-Crate 1.1, JSON-LD.

https://w3id.org/ro/crate/1.1. The same files give the same bytes: the only date is the given one.
"""

from pathlib import Path
from typing import Any

from fedrl.benchmark.publishing.sources import Source, reading, require_inside, sha256

NAME = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/crate/1.1"
LICENSE = "https://spdx.org/licenses/MIT"
FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".svg": "image/svg+xml",
    ".gif": "image/gif",
    ".parquet": "application/vnd.apache.parquet",
}
MEANINGS = {
    "records.parquet": "One row per evaluation point of every run",
    "provenance.json": "Configuration, versions, machine and code digest of the runs",
    "digests.json": "SHA-256 of every artefact of the report",
}


def published_on(folder: Path) -> str:
    """The day in the document of a folder; StoreError unless it can be read."""
    with reading(folder / NAME) as told:
        root = next(entity for entity in told["@graph"] if entity["@id"] == "./")
        return str(root["datePublished"])


def listed(folder: Path) -> dict[str, str]:
    """Name below the folder -> SHA-256, by its document; StoreError unless it can be read."""
    with reading(folder / NAME) as told:
        files = {str(e["@id"]): str(e["sha256"]) for e in told["@graph"] if e["@type"] == "File"}
    require_inside(files, folder / NAME)
    return files


def crate(source: Source, folder: Path, date: str) -> dict[str, Any]:
    """The whole document, of the files that are in the folder now."""
    versions, command = source.provenance["versions"], source.provenance["command"]
    there = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != NAME)
    files = [_file(path, folder) for path in there]
    software = [
        _entity(f"#{name}-{version}", "SoftwareApplication", name=name, version=version)
        for name, version in sorted(versions.items())
        if name != "engine"
    ]
    root = _entity(
        "./",
        "Dataset",
        name=source.title,
        description=source.description or source.title,
        datePublished=date,
        license={"@id": LICENSE},
        hasPart=_links(files),
        mentions={"@id": "#computation"},
    )
    computation = _entity(
        "#computation",
        "CreateAction",
        name=command,
        instrument=_links(software),
        result={"@id": "records.parquet"},
    )
    about, profile = {"@id": "./"}, {"@id": PROFILE}
    metadata = _entity(NAME, "CreativeWork", about=about, conformsTo=profile)
    license_ = _entity(LICENSE, "CreativeWork", name="MIT License")
    return {
        "@context": [f"{PROFILE}/context", {"sha256": "https://schema.org/sha256"}],
        "@graph": [metadata, root, computation, license_, *software, *files],
    }


def _file(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    size, told = str(path.stat().st_size), {}
    if path.suffix in FORMATS:
        told["encodingFormat"] = FORMATS[path.suffix]
    if name in MEANINGS:
        told["description"] = MEANINGS[name]
    return _entity(name, "File", name=path.name, contentSize=size, sha256=sha256(path), **told)


def _entity(identifier: str, kind: str, **told: Any) -> dict[str, Any]:
    return {"@id": identifier, "@type": kind, **told}


def _links(entities: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{"@id": entity["@id"]} for entity in entities]
