"""Laws of `fedrl merge`: a union, in any order and again; never a silent choice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_cli import Answer, assert_mistake, content, fedrl  # noqa: F401

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage import files, provenance, store
from fedrl.benchmark.storage.files import StoreError
from fedrl.benchmark.storage.manifests import read_manifest
from fedrl.benchmark.storage.merge import merge
from fedrl.benchmark.storage.store import Store

CELL = Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2)
OTHER = CELL.model_copy(update={"kappa": 0.5})


def save(
    results: Path, seed: int, value: float = 0.5, config: Config = CELL, theta: float = 0.25
) -> Path:
    saved, run = Store(results, "study"), Run(config, Seed("test", seed))
    saved.prepare()
    columns = {"round": np.array([0, 1]), "objective": np.full(2, value)}
    saved.save(run, columns, np.ones(2), np.full((1, 3), theta))
    return saved.path(run)


def test_a_merge_is_the_union_in_any_order_and_again(tmp_path: Path) -> None:
    a, b, c, d = (tmp_path / name for name in "abcd")
    save(a, 0)
    save(a, 1)
    save(b, 1)
    save(b, 2)
    save(b, 2, config=OTHER)
    before = content(a), content(b)
    merged = merge([a, b], c)
    assert (merged.copied, merged.present, merged.clean) == (4, 0, True)
    assert content(c) == before[0] | before[1]
    again = merge([a, b], c)
    assert (again.copied, again.present) == (0, 4)
    assert content(c) == before[0] | before[1]
    merge([b, a, c], d)
    assert content(d) == content(c)
    merge([a, b], a)
    assert content(a) == content(c)
    assert content(b) == before[1]


def test_results_are_not_merged_into_themselves(tmp_path: Path) -> None:
    save(tmp_path / "a", 0)
    before = content(tmp_path)
    with pytest.raises(StoreError, match=r"is within .*; choose another --into"):
        merge([tmp_path / "a"], tmp_path / "a" / "study")
    assert content(tmp_path) == before


def test_different_bits_are_a_conflict_and_the_others_are_merged(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    save(a, 0)
    save(a, 1, value=0.5)
    save(b, 1, value=np.nextafter(0.5, 1))
    save(b, 2)
    merged = merge([a, b], c)
    assert merged.copied == 2
    assert sorted(p.name for p in c.rglob("seed-0000?.parquet")) == [
        *("seed-00000.parquet", "seed-00002.parquet")
    ]
    assert not list(c.rglob("seed-00001*"))
    (conflict,) = merged.conflicts
    assert conflict.run == f"study/{CELL.id}/seed-00001"
    assert [version.folder for version in conflict.versions] == [str(a), str(b)]
    assert all(version.code and version.versions for version in conflict.versions)
    assert len({version.content for version in conflict.versions}) == 2


def test_different_parameters_are_a_conflict_and_missing_ones_are_not(tmp_path: Path) -> None:
    a, b, c, d = (tmp_path / name for name in "abcd")
    save(a, 0, theta=0.25)
    save(b, 0, theta=np.nextafter(0.25, 1))
    assert [conflict.run for conflict in merge([a, b], c).conflicts] == [
        f"study/{CELL.id}/seed-00000"
    ]
    assert not list(c.rglob("seed-*"))
    whole = content(a)
    next(b.rglob("*.parameters.npz")).unlink()
    assert merge([b, a], d).clean
    assert content(d) == whole
    assert merge([a], b).clean
    assert content(b) == whole


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    a, c = tmp_path / "a", tmp_path / "c"
    save(a, 0, value=1.0)
    save(c, 0, value=2.0)
    before = content(c)
    assert len(merge([a], c).conflicts) == 1
    assert content(c) == before
    there = next(c.rglob("seed-00000.parquet"))
    there.write_bytes(b"bad")
    before = content(c)
    assert merge([a], c).corrupt == [str(there)]
    assert content(c) == before


def test_other_code_is_a_conflict_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    save(a, 0)
    monkeypatch.setattr(provenance, "code_of", lambda *_: {"training": "another"})
    save(b, 0)
    (conflict,) = merge([a, b], tmp_path / "c").conflicts
    assert len({version.key for version in conflict.versions}) == 2
    assert conflict.versions[1].code == {"training": "another"}


def test_other_bytes_around_the_same_content_are_no_conflict(tmp_path: Path) -> None:
    """Another Parquet library signs files with another name."""
    a, b = tmp_path / "a", tmp_path / "b"
    save(a, 0)
    path = save(b, 0)
    pq.write_table(pq.read_table(path), path, compression="none")
    assert path.read_bytes() != next(a.rglob("seed-00000.parquet")).read_bytes()
    merged = merge([a, b], tmp_path / "c")
    assert (merged.copied, merged.clean) == (1, True)
    assert content(tmp_path / "c") == content(a)


def test_of_the_seconds_the_first_are_kept(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    name = save(a, 0).relative_to(a).with_suffix(".seconds.parquet")
    save(b, 0)
    Store(b, "study").save(
        Run(CELL, Seed("test", 0)),
        {"round": np.array([0, 1]), "objective": np.full(2, 0.5)},
        np.array([7.0, 8.0]),
    )
    merge([b, a], c)
    assert (c / name).read_bytes() == (b / name).read_bytes() != (a / name).read_bytes()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "flipped": lambda data: data[:8] + bytes([data[8] ^ 1]) + data[9:],
    "emptied": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("kind", [".parquet", ".seconds.parquet", ".parameters.npz"])
def test_a_corrupt_file_is_reported_and_a_sound_one_taken(
    tmp_path: Path, kind: str, damage: Callable[[bytes], bytes]
) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    bad = save(a, 0).with_name(f"seed-00000{kind}")
    save(b, 0)
    bad.write_bytes(damage(bad.read_bytes()))
    merged = merge([a, b], c)
    assert merged.corrupt == [str(bad)]
    assert content(c) == content(b)
    assert not merge([a], tmp_path / "d").clean
    assert not (tmp_path / "d" / bad.relative_to(a)).exists()


def test_manifests_of_both_machines_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    save(a, 0)
    there = provenance.manifest(CELL) | {"machine": {"cpu": "another"}}
    monkeypatch.setattr(store, "manifest", lambda _: there)
    save(b, 1)
    merge([a, b], c)
    kept = [read_manifest(path)["machine"]["cpu"] for path in sorted(c.rglob("manifest*.json"))]
    assert sorted(kept) == sorted(["another", provenance.machine()["cpu"]])
    stored = Store(c, "study").load([Run(CELL, Seed("test", seed)) for seed in (0, 1)])
    assert len(Store(c, "study").manifests(stored)) == 2


def test_an_interrupted_merge_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, c = tmp_path / "a", tmp_path / "c"
    for seed in range(3):
        save(a, seed)
    sync, left = files.os.fsync, [11]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left on device.*goes on from there"):
        merge([a], c)
    left[0] = 1000
    merged = merge([a], c)
    assert merged.copied + merged.present == 3
    assert merged.present > 0
    assert content(c) == content(a)


def test_the_command(fedrl: Callable[..., Answer], tmp_path: Path) -> None:  # noqa: F811
    save(tmp_path / "a", 0)
    save(tmp_path / "b", 0, value=1.0)
    save(tmp_path / "b", 1)
    assert fedrl("merge", "b", "--into", "c").code == 0
    answer = fedrl("merge", "a", "b", "--into", "d")
    assert answer.code == 1
    assert "1 runs copied to d" in answer.out
    assert f"conflict, not copied: study/{CELL.id}/seed-00000: a has key" in answer.err
    answer = fedrl("merge", "a", "b", "--into", "d", "--json")
    assert answer.code == 1
    parsed = json.loads(answer.out)
    assert (parsed["copied"], parsed["present"]) == (0, 1)
    assert len(parsed["conflicts"][0]["versions"]) == 2
    assert_mistake(fedrl("merge", "a", "absent", "--into", "e"), "no results in absent")
    (tmp_path / "file").write_text("in the way")
    assert_mistake(fedrl("merge", "a", "--into", "file"), "cannot merge into file")
