"""Laws of the store: what is read is what was written, or an error; and whole files only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.publishing.records import WRITERS, export
from fedrl.benchmark.storage import parameters, provenance
from fedrl.benchmark.storage.files import StoreError, write_atomically
from fedrl.benchmark.storage.store import Store

RUN = Run(Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2), Seed("test", 3))
COLUMNS = {
    "round": np.array([0, 1]),
    "objective": np.array([0.1, 1 / 3]),
    "metric": np.array(["objective", "objective"]),
    "diverged": np.array([False, False]),
    "reference": np.array([np.nan, np.nan]),
}
SECONDS = np.array([0.0, 0.25])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path, "study")
    made.prepare()
    made.save(RUN, COLUMNS, SECONDS)
    return made


def test_what_is_read_is_what_was_written(store: Store) -> None:
    stored = store.read(RUN)
    assert stored is not None
    assert not stored.stale
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(stored.columns[name], values)
    np.testing.assert_array_equal(stored.seconds, SECONDS)


def test_layout(store: Store) -> None:
    found = sorted(str(p.relative_to(store.folder)) for p in store.folder.rglob("*.*"))
    config = RUN.config.id
    assert found == [
        f"{config}/manifest.json",
        f"{config}/seed-00003.parquet",
        f"{config}/seed-00003.seconds.parquet",
    ]


def test_a_result_file_has_the_same_bytes_whenever_it_is_written(store: Store) -> None:
    before = store.path(RUN).read_bytes()
    store.save(RUN, COLUMNS, SECONDS + 1)
    assert store.path(RUN).read_bytes() == before


def test_parameters_are_read_as_written_and_have_the_same_bytes(store: Store) -> None:
    theta = np.array([[0.1, np.nan, -0.0], [1e-300, np.inf, 1 / 3]])
    path = parameters.beside(store.path(RUN))
    assert parameters.read(path) is None
    store.save(RUN, COLUMNS, SECONDS, theta)
    before = path.read_bytes()
    found = parameters.read(path)
    assert found is not None
    assert found.theta.tobytes() == theta.tobytes()
    assert found.key == store.read(RUN).key  # type: ignore[union-attr]
    store.save(RUN, COLUMNS, SECONDS + 1, theta)
    assert path.read_bytes() == before
    assert store.survey([RUN]).corrupt == []


def test_damaged_parameters_are_noticed_and_their_run_is_computed_again(store: Store) -> None:
    theta = np.linspace(0, 1, 6).reshape(1, 6)
    store.save(RUN, COLUMNS, SECONDS, theta)
    path = parameters.beside(store.path(RUN))
    sound = path.read_bytes()
    flipped = [sound[:at] + bytes([sound[at] ^ 0x55]) + sound[at + 1 :] for at in range(len(sound))]
    for damaged in (*flipped, sound[:-1], sound + b"x", b""):
        path.write_bytes(damaged)
        assert store.survey([RUN]) == ([], [path], [])


def test_every_flipped_byte_is_noticed_or_harmless(store: Store) -> None:
    path = store.path(RUN)
    sound = path.read_bytes()
    original = store.read(RUN)
    assert original is not None
    noticed = 0
    for place in range(0, len(sound), 7):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x55]) + sound[place + 1 :])
        try:
            stored = store.read(RUN)
        except StoreError:
            noticed += 1
            continue
        assert stored is not None
        assert not stored.stale
        assert all(
            np.array_equal(stored.columns[n], v, equal_nan=v.dtype.kind == "f")
            for n, v in COLUMNS.items()
        )
    assert noticed > 0


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all"])
def test_a_corrupt_file_is_named_and_left_alone(store: Store, content: bytes) -> None:
    path = store.path(RUN)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"seed-00003\.parquet is corrupt.*remove it; `fedrl run`"):
        store.read(RUN)
    assert path.read_bytes() == content


def test_a_missing_run_is_not_an_error(store: Store) -> None:
    assert store.read(RUN._replace(seed=Seed("test", 4))) is None


def test_lost_seconds_are_nan(store: Store) -> None:
    store.path(RUN, ".seconds").unlink()
    stored = store.read(RUN)
    assert stored is not None
    assert np.isnan(stored.seconds).all()


def test_other_code_makes_a_result_stale(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "code_of", lambda *_: {"training": "other"})
    stored = store.read(RUN)
    assert stored is not None
    assert stored.stale


def test_everything_that_decides_numbers_is_in_the_key() -> None:
    config = RUN.config
    other = [
        RUN._replace(seed=Seed("test", 4)),
        RUN._replace(seed=Seed("select", 3)),
        RUN._replace(config=Config(**{**config.model_dump(), "kappa": 0.5})),
        RUN._replace(config=Config(**{**config.model_dump(), "step_size": 0.5})),
    ]
    assert len({provenance.run_key(run) for run in [RUN, *other]}) == 5


def test_a_manifest_names_no_host_and_no_path(store: Store) -> None:
    text = (store.config_folder(RUN.config) / "manifest.json").read_text()
    assert json.loads(text)["cell"] == RUN.config.model_dump(mode="json")
    assert str(Path.cwd()) not in text
    assert str(Path.home()) + "/" not in text


def test_an_unwritable_folder_is_refused_before_any_compute(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write results to .*--results"):
        Store(file / "results", "study").prepare()
    assert file.read_text() == "in the way"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fedrl.benchmark.storage.files.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


READERS = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".json": pd.read_json,
    ".jsonl": lambda file: pd.read_json(file, lines=True),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_export_keeps_every_digit(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"x": [1 / 3, np.nan, -1e-300], "word": ["a", "b,c", 'd"e']})
    export(frame, tmp_path / f"out{suffix}")
    again = READERS[suffix](tmp_path / f"out{suffix}")
    assert list(again["word"]) == list(frame["word"])
    np.testing.assert_allclose(again["x"], frame["x"], rtol=1e-15)


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"'\.xlsx'; it must be one of \.csv, \.parquet"):
        export(pd.DataFrame(), tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []
