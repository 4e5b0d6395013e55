"""Laws of files that are sound and of another run: told, never used; and of hostile content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fedrl.benchmark.config.configuration import Config, Run, identity
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.execution import plan
from fedrl.benchmark.publishing import stored_run
from fedrl.benchmark.publishing.tables import table_of
from fedrl.benchmark.storage import manifests, parameters, provenance, store, tables
from fedrl.benchmark.storage.files import CorruptFileError, ForeignFileError, StoreError
from fedrl.benchmark.storage.merge import merge
from fedrl.benchmark.storage.sealed_npz import seal
from fedrl.benchmark.storage.store import Store

CONFIG = Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2)
OTHER = Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2, kappa=0.5)
COLUMNS = {"round": np.array([0, 1]), "objective": np.full(2, 0.5)}


class Few:
    """A workload of one run."""

    name, title = "study", "Few"

    def runs(self) -> list[Run]:
        return [Run(CONFIG, Seed("test", 0))]

    def configs(self) -> list[Config]:
        return [CONFIG]


def saved(results: Path, config: Config = CONFIG, seed: int = 0) -> Path:
    kept, run = Store(results, "study"), Run(config, Seed("test", seed))
    kept.save(run, COLUMNS, np.ones(2), np.full((1, 3), 0.25))
    return kept.path(run)


def forged(results: Path, how: str) -> Path:
    """A sound file under the name of a run that it is not of."""
    path = saved(results)
    other = saved(results, seed=1) if how == "seed" else saved(results, OTHER)
    path.write_bytes(other.read_bytes())
    if how == "configuration and manifest":
        manifest = manifests.read_manifest(other.with_name("manifest.json"))
        path.with_name(manifests.other_name(manifest)).write_bytes(manifests.encode(manifest))
    return path


@pytest.mark.parametrize("how", ["seed", "configuration", "configuration and manifest"])
def test_a_file_of_another_run_is_told_and_never_used(tmp_path: Path, how: str) -> None:
    path = forged(tmp_path / "a", how)
    with pytest.raises(ForeignFileError, match="is of another run"):
        Store(tmp_path / "a", "study").load(Few().runs())
    with pytest.raises(ForeignFileError):
        stored_run.original(str(path), tmp_path)
    merged = merge([tmp_path / "a"], tmp_path / "b")
    assert merged.foreign == [str(path)]
    assert (merged.copied, merged.clean) == (1, False)
    planned = plan(Few(), tmp_path / "a", 1)
    assert (planned.stored, planned.missing) == ([], Few().runs())
    assert any(note.startswith(f"{path} is of another run") for note in planned.prepare())
    assert not path.exists()
    assert path.with_name(f"{path.name}.corrupt-1").exists()


def test_parameters_of_another_run_are_not_this_runs(tmp_path: Path) -> None:
    path = saved(tmp_path)
    beside = parameters.beside(path)
    beside.write_bytes(parameters.beside(saved(tmp_path, seed=1)).read_bytes())
    assert Store(tmp_path, "study").survey(Few().runs()) == ([], [], [beside])


def test_a_stale_run_is_not_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)
    monkeypatch.setattr(store, "run_key", lambda _: "other code")
    (found,) = Store(tmp_path, "study").load(Few().runs())
    assert found.stale


def test_the_id_of_a_configuration_follows_from_its_manifest() -> None:
    for config in (CONFIG, OTHER):
        described = json.loads(json.dumps(provenance.manifest(config)["cell"]))
        assert identity(described) == config.id


@pytest.mark.parametrize("name", ["mylab/fedpg", "..\\fedpg", "a\x1b[31mb", "a b:c*"])
def test_every_id_is_the_name_of_one_folder(name: str) -> None:
    described = CONFIG.model_dump() | {"family": name}
    assert not set(identity(described | {"algorithm": name})) & set("/\\:* \x1b")
    assert identity(described | {"algorithm": "a/b"}) != identity(described | {"algorithm": "a-b"})


def sealed_archive(**arrays: Any) -> bytes:
    return seal(arrays)


CELL = CONFIG.model_dump(mode="json")
MANIFEST: dict[str, Any] = {
    "cell": CELL,
    "code": "0" * 32,
    "versions": {"python": "3.11.0"},
    "machine": {"cpu": "x"},
    "execution": "one thread per worker",
}
HOSTILE_MANIFESTS = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "list": b"[]",
    "null": b"null",
    "empty": manifests.encode({}),
    "no cell": manifests.encode({k: v for k, v in MANIFEST.items() if k != "cell"}),
    "cell a list": manifests.encode(MANIFEST | {"cell": []}),
    "kappa a word": manifests.encode(MANIFEST | {"cell": CELL | {"kappa": "x"}}),
    "versions a list": manifests.encode(MANIFEST | {"versions": ["python"]}),
    "no python": manifests.encode(MANIFEST | {"versions": {}}),
    "python a number": manifests.encode(MANIFEST | {"versions": {"python": 3}}),
    "machine null": manifests.encode(MANIFEST | {"machine": None}),
}
HOSTILE_PARAMETERS = {
    "no theta": sealed_archive(key=np.array("k")),
    "no key": sealed_archive(theta=np.zeros((1, 2))),
    "theta a word": sealed_archive(theta=np.array("x"), key=np.array("k")),
    "theta flat": sealed_archive(theta=np.zeros(2), key=np.array("k")),
    "theta complex": sealed_archive(theta=np.zeros((1, 2), complex), key=np.array("k")),
}
HOSTILE_RESULTS = {
    "no round": tables.encode_table({"x": np.ones(2)}, "k"),
    "no rows": tables.encode_table({"round": np.ones(0)}, "k"),
    "lists": tables.encode_table({"round": np.ones(1), "x": pa.array([[1, 2]])}, "k"),
}


def test_the_seals_of_this_file_are_those_of_the_store(tmp_path: Path) -> None:
    """What is refused below is refused for its content."""
    path = tmp_path / "file"
    path.write_bytes(manifests.encode(MANIFEST))
    assert manifests.read_manifest(path) == MANIFEST
    theta = np.zeros((1, 2))
    assert parameters.decode(sealed_archive(theta=theta, key=np.array("k")), path).key == "k"
    assert tables.parse_table(tables.encode_table({"round": np.ones(2)}, "k"), path).num_rows == 2


def test_a_sealed_manifest_of_another_shape_is_corrupt(tmp_path: Path) -> None:
    path = saved(tmp_path / "a").with_name("manifest.json")
    for number, content in enumerate(HOSTILE_MANIFESTS.values()):
        path.write_bytes(content)
        assert Store(tmp_path / "a", "study").survey(Few().runs()).corrupt == [path]
        assert not merge([tmp_path / "a"], tmp_path / f"into-{number}").clean
        with pytest.raises(CorruptFileError):
            table_of(tmp_path / "a")


def test_a_result_without_the_columns_of_every_version_is_named(tmp_path: Path) -> None:
    """Sound, of this run by its key, and no version wrote it."""
    saved(tmp_path)
    with pytest.raises(StoreError, match=r"seed 0 has no column '\w+': no version wrote it"):
        table_of(tmp_path)


def test_sealed_files_of_another_shape_are_corrupt(tmp_path: Path) -> None:
    result = saved(tmp_path)
    for path, contents in (
        (result, HOSTILE_RESULTS),
        (parameters.beside(result), HOSTILE_PARAMETERS),
    ):
        sound = path.read_bytes()
        for content in contents.values():
            path.write_bytes(content)
            assert Store(tmp_path, "study").survey(Few().runs()).corrupt == [path]
        path.write_bytes(sound)
    key = tables.read_table(result).schema.metadata[tables.KEY].decode()
    seconds = result.with_name(result.stem + tables.SECONDS)
    seconds.write_bytes(tables.encode_table({"seconds": np.ones(7)}, key))
    assert Store(tmp_path, "study").survey(Few().runs()).corrupt == [seconds]
