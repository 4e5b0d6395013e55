"""Laws of folders that are written: whole or not at all, and nothing of the user's is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

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


CALLS = ("rename", "replace", "unlink", "rmdir", "mkdir", "open")


def written(out: Path, calls: int) -> int:
    """The exit code of a process that writes the folder, and ends after so many system calls."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 1
    try:
        left = [calls]

        def mortal(act: Any) -> Any:
            def called(*given: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
                return act(*given, **more)

            return called

        for name in CALLS:
            setattr(os, name, mortal(getattr(os, name)))
        with replacing(out, ours=("a",)) as new:
            (new / "a").write_text("new")
        code = 0
    finally:
        os._exit(code)


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


def test_a_kill_at_any_call_loses_nothing_of_the_user(tmp_path: Path) -> None:
    """Between two renames neither folder is in place: the next command puts one there."""
    out, calls, absent = tmp_path / "out", 0, 0
    while True:
        out.mkdir()
        (out / "a").write_text("old")
        (out / "mine").write_text("of the user")
        ended = written(out, calls)
        absent += not out.exists()
        with replacing(out, ours=("a",)) as new:
            (new / "a").write_text("newest")
        assert names(tmp_path) == ["out", "out/a", "out/mine"], calls
        assert (out / "a").read_text() == "newest"
        shutil.rmtree(out)
        if ended == 0:
            break
        assert ended == 9
        calls += 1
    assert calls > 6
    assert absent, "no kill fell between the two renames"


def test_what_another_folder_left_is_not_taken_for_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "out.x")], check=False)
    assert killed.returncode == -9
    before = names(tmp_path)
    with replacing(out, ours=("a",)) as new:
        (new / "a").write_text("ours")
    assert names(tmp_path) == sorted([*before, "out", "out/a"])


def test_the_current_folder_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for name in (".", "..", str(tmp_path / "here")):
        with (
            pytest.raises(StoreError, match="is the current folder"),
            replacing(Path(name), ours=()),
        ):
            pass
    with replacing(Path("new"), ours=()) as new:
        (new / "a").write_text("written")
    assert names(tmp_path) == ["here", "here/below", "here/below/new", "here/below/new/a"]


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
