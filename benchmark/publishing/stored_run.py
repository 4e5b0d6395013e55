"""A stored run by name: its files, its manifest, and what is other here than where it was made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.settings import explained
from fedrl.benchmark.storage import parameters as final
from fedrl.benchmark.storage import run_names
from fedrl.benchmark.storage.files import ForeignFileError, StoreError
from fedrl.benchmark.storage.manifests import Manifest, spoken_for
from fedrl.benchmark.storage.provenance import (
    config_code,
    decisive_versions,
    differing,
    machine,
    versions,
)
from fedrl.benchmark.storage.run_code import changed
from fedrl.benchmark.storage.store import parse_name
from fedrl.benchmark.storage.tables import KEY, read_table
from fedrl.envs.family import Array
from fedrl.envs.thirdparty.making import importing

TOLERANCE = {"float64": 1e-6, "float32": 1e-3}  # relative, at the first evaluation point
HARDWARE = ("cpu", "architecture", "linear_algebra")  # what may decide bits


class Original(NamedTuple):
    """A stored run and what it was computed from."""

    path: Path
    run: Run
    columns: dict[str, Array]
    parameters: Array | None  # (F, d), at the end; None where they are not stored
    manifest: Manifest
    differences: dict[str, tuple[Any, Any]]  # name -> then, now: code, versions, machine

    @property
    def elsewhere(self) -> bool:
        """Whether another machine or other versions computed it, so that bits are not promised."""
        return bool(self.differences.keys() - {"code"})


def original(
    name: str, results: Path, study: str | None = None, *, trust: bool = False
) -> Original:
    """The stored run of that name, which is one that `run_names.path_of` takes.

    Raises StoreError for an unknown, ambiguous or corrupt run, and ForeignFileError for numbers
    that no manifest beside them speaks of. A package that the manifest names is imported with
    `trust` only.
    """
    path = run_names.path_of(name, results, study)
    seed = parse_name(path.name)
    if seed is None:
        raise StoreError(f"{path} is not the result of a run, a file like seed-00003.parquet")
    table = read_table(path)
    key = table.schema.metadata[KEY].decode()
    manifest = _manifest(spoken_for(path, seed, key))
    if manifest is None:
        raise ForeignFileError(path)
    refused = f"the present code cannot run what the manifest of {path} describes: "
    with importing(allowed=trust), explained(StoreError, refused):
        config = Config.model_validate(manifest["cell"])
    columns = {column: table[column].to_numpy() for column in table.column_names}
    theta = stored_parameters(path, key)
    differences = _differences(manifest, config)
    return Original(path, Run(config, seed), columns, theta, manifest, differences)


def stored_parameters(path: Path, key: str) -> Array | None:
    """The final parameters beside a result file, if they are of the same run."""
    found = final.read(final.beside(path))
    return found.theta if found is not None and found.key == key else None


def warnings_of(original: Original) -> list[str]:
    """List what differs from when the run was stored, one line each."""
    lines = [
        f"code differs from the manifest's: {changed(then, now)}"
        if name == "code"
        else f"{name} differs from the manifest's: {then} then, {now} now"
        for name, (then, now) in original.differences.items()
    ]
    if original.elsewhere:
        lines.append(
            "the same bits are not promised here; the first evaluation point is also compared "
            f"within a relative {TOLERANCE[original.run.config.dtype]:g}"
        )
    return lines


def _manifest(speaking: list[Manifest]) -> Manifest | None:
    """The one that speaks of the run; of several machines' one that is not this, if there is."""
    here = _hardware(machine())
    others = [manifest for manifest in speaking if _hardware(manifest["machine"]) != here]
    return next(iter([*others, *speaking]), None)


def _differences(manifest: Manifest, config: Config) -> dict[str, tuple[Any, Any]]:
    codes = manifest["code"], config_code(config)
    return {
        **({"code": codes} if changed(*codes) else {}),
        **differing(decisive_versions(manifest["versions"]), decisive_versions(versions())),
        **differing(_hardware(manifest["machine"]), _hardware(machine())),
    }


def _hardware(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {name: machine.get(name) for name in HARDWARE}
