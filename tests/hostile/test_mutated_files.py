"""Every kind of file the program reads, mutated: told in a line or set aside; no traceback.

FEDRL_HOSTILE_INPUTS says how many; `tox run -e hostile` tries 1 000.
"""

from __future__ import annotations

import os
import random
import shutil
import warnings
from pathlib import Path

import pytest
from commands import STUDY, finished

from fedrl.benchmark.cli.main import _is_mistake, app

FILES = min(1000, int(os.environ.get("FEDRL_HOSTILE_INPUTS", "100")) // 2)
EVERY = [
    ["run", "small.toml", "--dry-run"],
    ["records", "small.toml", "--out", "out.csv"],
    ["merge", "results", "--into", "joined"],
    ["doctor", "results"],
    ["compare", "results", "page"],
    ["compare", "public", "results"],
    ["cross", "small.toml", "--episodes", "2"],
]
KINDS = ("*.parquet", "*.npz", "*.json", "*.checkpoint", "*.toml", "*.csv", "*.md")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mutated")
    (made / "small.toml").write_text(STUDY)
    finished(["run", "small.toml", "--workers", "1"], made)
    finished(["report", "small.toml", "--out", "page"], made)
    finished(["publish", "small.toml", "--out", "public", "--date", "2026-01-01"], made)
    return made


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with something wrong in it."""
    at = draw.randrange(len(content) + 1)
    kind = draw.choice(("bit", "cut", "empty", "double", "insert", "noise", "digit", "nest"))
    if kind == "bit" and content:
        at = min(at, len(content) - 1)
        return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
    if kind == "insert":
        return content[:at] + draw.choice((b"\x00", b"\xff\xfe", b'"', b"{", b"\n")) + content[at:]
    if kind == "digit":
        return content.replace(b"1", draw.choice((b"9" * 400, b"-1", b"1e999", b"null")), 1)
    made = {"cut": content[:at], "double": content * 2, "noise": draw.randbytes(len(content))}
    return made.get(kind, b"" if kind == "empty" else b"[" * 100_000)


def test_a_mutated_file_is_never_a_traceback(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    files = [p for kind in KINDS for p in sorted(place.rglob(kind)) if "joined" not in p.parts]
    assert {path.suffix for path in files} >= {".parquet", ".npz", ".json", ".toml", ".csv", ".md"}
    wrong: list[str] = []
    for number in range(FILES):
        draw = random.Random(number)
        victim, words = draw.choice(files), draw.choice(EVERY)
        content = victim.read_bytes()
        victim.write_bytes(damaged(content, draw))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                app(words, standalone_mode=False)
        except SystemExit:
            pass
        except Exception as error:
            if not (_is_mistake(error) and "\n" not in str(error)):
                wrong.append(f"{number}: {victim.name}, {words[0]}: {error!r:.300}")
        finally:
            victim.write_bytes(content)
            shutil.rmtree(place / "joined", ignore_errors=True)
            shutil.rmtree(place / "results" / "small" / "cross", ignore_errors=True)
            capsys.readouterr()
    assert not wrong, "\n".join(wrong)
