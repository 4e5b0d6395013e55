"""Laws of folders that are written: whole or not at all, and nothing of the user's is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from fedrl.benchmark.storage.files import StoreError
from fedrl.benchmark.storage.folders import replacing

KILLED = """
import os, sys
from pathlib import Path
from fedrl.benchmark.storage.folders import replacing
with replacing(Path(sys.argv[1]), ours=("a",)) as new:
    (new / "a").write_text("half")
    os.kill(os.getpid(), 9)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_what_is_written_replaces_what_is_ours_and_keeps_the_rest(tmp_path: Path) -> None:
    out = tmp_path / "below" / "out"
    for text in ("first", "second"):
        with replacing(out, ours=("a", "b")) as new:
            (new / "a").write_text(text)
            if text == "first":
                (new / "b").mkdir()
        (out / "mine").write_text("of the user")
    assert names(tmp_path) == ["below", "below/out", "below/out/a", "below/out/mine"]
    assert (out / "a").read_text() == "second"


def test_an_error_leaves_the_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for before in ([], ["out", "out/a"]):
        with pytest.raises(FileNotFoundError), replacing(out, ours=("a",)) as new:
            (new / "not" / "there").write_text("half")
        assert names(tmp_path) == before
        out.mkdir(exist_ok=True)
        (out / "a").write_text("whole")
    assert (out / "a").read_text() == "whole"


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert killed.returncode == -9
    assert len(names(tmp_path)) == 2
    with replacing(out, ours=("a",)) as new:
        (new / "a").write_text("whole")
    assert names(tmp_path) == ["out", "out/a"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("kept")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").symlink_to(outside / "a")
    (out / "d").symlink_to(outside)
    with replacing(out, ours=("a", "d")) as new:
        (new / "a").write_text("new")
    assert not (out / "a").is_symlink()
    assert (outside / "a").read_text() == "kept"
    link = tmp_path / "link"
    link.symlink_to(outside)
    with pytest.raises(StoreError, match="is a link"), replacing(link, ours=()):
        pass
