"""The tidy table of whatever holds one: results, a report, a published study, a Parquet file."""

from pathlib import Path

import pandas as pd

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.settings import explained
from fedrl.benchmark.publishing.records import tidy_table
from fedrl.benchmark.publishing.sources import DIGESTS, read_source, source_folder
from fedrl.benchmark.storage.files import StoreError
from fedrl.benchmark.storage.manifests import manifest_files, read_manifest
from fedrl.benchmark.storage.store import Store, Stored, result_files
from fedrl.envs.thirdparty.making import importing
from fedrl.envs.validation import nearest


def table_of(place: Path, study: str | None = None, *, trust: bool = False) -> pd.DataFrame:
    """StoreError when there is no table; of several studies in results, one has to be named.

    Packages that a manifest in results names are imported with `trust` only.
    """
    if place.suffix == ".parquet" and place.is_file():
        try:
            return pd.read_parquet(place)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise StoreError(f"{place} is not a table of records: {reason}") from None
    if (place / DIGESTS).is_file() or (place / "source" / DIGESTS).is_file():
        return read_source(source_folder(place)).frame
    if not place.is_dir():
        raise StoreError(f"there is no folder {place}")
    names = sorted({path.parent.parent.name for path in place.glob("*/*/manifest.json")})
    if not names:
        raise StoreError(f"{place} holds no results, and is neither a report nor published")
    if study is None and len(names) > 1:
        raise StoreError(f"{place} holds several studies: {', '.join(names)}; add --study")
    if study is not None and study not in names:
        raise StoreError(f"{place}: {nearest('study', study, names)}")
    name = names[0] if study is None else study
    with importing(allowed=trust):
        stored = _stored(Store(place, name))
    if not stored:
        raise StoreError(f"{place / name} holds no finished run")
    return tidy_table(name, stored)


def _stored(store: Store) -> list[Stored]:
    """Every run that is there, whatever study asked for it, by what its manifest says it is."""
    runs = []
    for folder in sorted(path for path in store.folder.iterdir() if path.is_dir()):
        manifests = manifest_files(folder)
        if not manifests:
            continue
        with explained(StoreError, f"the present code does not know the cell of {folder}: "):
            config = Config.model_validate(read_manifest(manifests[0])["cell"])
        if config.id != folder.name:
            raise StoreError(
                f"the present code names the cell of {folder} {config.id}: compare its report "
                "instead, which holds its records"
            )
        runs += [Run(config, seed) for seed in result_files(folder).values()]
    return store.load(runs)
