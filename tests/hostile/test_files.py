"""Strange files in a store: named and set aside; never waited for, never followed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.storage.files import StoreError, set_aside, tidy
from fedrl.benchmark.storage.manifests import manifest_files
from fedrl.benchmark.storage.merge import merge
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training.record import RunState
from fedrl.benchmark.tuning import journal

RUN = Run(Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2), Seed("test", 3))
COLUMNS = {"round": np.array([0, 1]), "objective": np.array([0.1, 1 / 3])}
THETA = np.array([[0.5, 1 / 3]])
STATE = RunState(
    *(1, False, THETA, THETA, THETA, {"server": THETA}, np.zeros((4, 1)), 0.5, float("nan")),
    rows={"round": np.array([0])},
    seconds=np.array([0.5]),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "results", "study")
    made.prepare()
    made.save(RUN, COLUMNS, np.array([0.0, 0.25]), THETA)
    Checkpoints.beside(made).save(RUN, STATE)
    return made


def victims(store: Store) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*.*") if path.is_file())


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_plain_file_is_set_aside_and_never_waited_for(store: Store, kind: str) -> None:
    for victim in victims(store):
        content = victim.read_bytes()
        victim.unlink()
        if kind == "fifo":
            os.mkfifo(victim)
        elif kind == "folder":
            victim.mkdir()
        else:
            victim.symlink_to("/dev/zero")
        survey = store.survey([RUN])
        if victim.suffix == ".checkpoint":
            assert Checkpoints.beside(store).load(RUN) is None
        else:
            assert survey.corrupt == [victim]
            assert set_aside(victim).name == f"{victim.name}.corrupt-1"
        assert not os.path.lexists(victim)
        victim.write_bytes(content)
    assert manifest_files(store.config_folder(RUN.config))


def test_a_link_out_of_the_results_folder_is_refused(store: Store, tmp_path: Path) -> None:
    folder, elsewhere = store.config_folder(RUN.config), tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir())
    for act in (lambda: store.survey([RUN]), lambda: store.save(RUN, COLUMNS, np.zeros(2))):
        with pytest.raises(StoreError, match="is a symbolic link out of the results folder"):
            act()
    assert sorted(elsewhere.iterdir()) == before


def test_the_whole_results_folder_may_be_a_link(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.folder.parent)
    linked = Store(tmp_path / "link", "study")
    assert len(linked.survey([RUN]).stored) == 1
    linked.save(RUN, COLUMNS, np.zeros(2))


def test_files_of_other_hosts_are_swept_when_they_are_old(store: Store) -> None:
    left = [store.folder / f".at-work.000.00000000-{number}-00000000" for number in (1, 2)]
    for path in (*left, store.folder / ".keep"):
        path.touch()
    os.utime(left[0], (0, 0))
    os.utime(store.folder / ".keep", (0, 0))
    tidy(store.folder)
    assert {path.name for path in store.folder.glob(".*")} == {left[1].name, ".keep"}


def test_a_full_disk_is_one_line_for_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = journal.path_of(tmp_path, "study")
    journal.record(path, [])
    path.write_bytes(b"{}\n")

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal, "updated", full)
    with pytest.raises(StoreError, match=r"cannot write .*No space left on device"):
        journal.record(path, [])
    assert path.read_bytes() == b"{}\n"
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"{}", b"[]\nnot json\n", b"[" * 100_000])
def test_a_damaged_journal_is_told_set_aside_and_written_again(
    tmp_path: Path, content: bytes
) -> None:
    path = journal.path_of(tmp_path, "study")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"is damaged; it is kept as journal.log.corrupt-1"):
        journal.record(path, [])
    assert path.with_name("journal.log.corrupt-1").read_bytes() == content


def test_a_merge_follows_no_link_out_of_its_folder(store: Store, tmp_path: Path) -> None:
    into, elsewhere = tmp_path / "into", tmp_path / "elsewhere"
    (into / "study").mkdir(parents=True)
    elsewhere.mkdir()
    (into / "study" / RUN.config.id).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="is a symbolic link out of the results folder"):
        merge([store.folder.parent], into)
    assert not list(elsewhere.iterdir())
