"""Laws of the verified leaderboard: nothing is listed that does not verify, rows have evidence."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from test_cli import Answer, fedrl  # noqa: F401
from test_published import bytes_of, computed, edit_records, publish  # noqa: F401

from fedrl.benchmark.publishing import (
    leaderboard,
    listing,
    replay,
    sources,
    stored_run,
)

Fedrl = Callable[..., Answer]
BOARD = Path("reports/leaderboard")


def refused(answer: Answer, words: str) -> None:
    """The last line says why; those before it say what was being done."""
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert words in answer.err


@pytest.fixture
def public(fedrl: Fedrl, computed: Path) -> Path:  # noqa: F811
    out = Path("reports/published/tiny")
    assert publish(fedrl, computed, str(out)).code == 0
    return out


def test_rows_are_the_studys_own_and_link_to_their_evidence(
    fedrl: Fedrl,  # noqa: F811
    public: Path,
) -> None:
    assert fedrl("submit", str(public)).code == 0
    entry = json.loads((BOARD / "tiny.json").read_bytes())
    own = list(csv.DictReader((public / leaderboard.TABLE).read_text().splitlines()))
    assert [(row["algorithm"], row["area"]) for row in entry["rows"]] == [
        (row["series"], float(row["area"])) for row in own
    ]
    assert set(entry["runs"].values()) == {"identical"}
    assert len(entry["runs"]) == 3
    page = (BOARD / leaderboard.README).read_text()
    links = re.findall(r"\]\((\S+?)\)", page)
    assert len(links) == 2 * len(own)
    assert all((BOARD / link).exists() for link in links)
    before = bytes_of(BOARD)
    assert fedrl("submit", str(public)).code == 0
    assert bytes_of(BOARD) == before
    shutil.copytree(public, "elsewhere/tiny")
    refused(fedrl("submit", "elsewhere/tiny"), "lists a study tiny already, of ../published/tiny")
    assert bytes_of(BOARD) == before
    answer = fedrl("submit")
    assert (answer.code, answer.out) == (0, f"{BOARD}: all that is listed has its evidence\n")


def test_what_does_not_verify_is_not_listed(
    fedrl: Fedrl,  # noqa: F811
    public: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = public / leaderboard.TABLE
    honest = table.read_bytes()
    table.write_bytes(honest.replace(b",0.", b",1.", 1))
    refused(fedrl("submit", str(public)), f"does not verify: {leaderboard.TABLE} differs")
    table.write_bytes(honest)
    kept, frame = listing.kept_runs(public)[0], sources.read_source(public).frame
    assert listing.contradicted_runs(public, frame) == []
    of_run = (frame["cell"] == Path(kept).parent.name) & (frame["seed"] == 0)
    frame.loc[frame.index[of_run][-1], "objective"] += 0.125
    assert listing.contradicted_runs(public, frame) == [kept], "records are invented"
    with monkeypatch.context() as invented:
        invented.setattr(listing, "contradicted_runs", lambda *_: [kept])
        refused(fedrl("submit", str(public)), f"does not verify: {kept} differs")
    real = replay.recompute

    def other(run, on_round=None):
        found = real(run)
        return found._replace(parameters=found.parameters + 1.0)

    monkeypatch.setattr(replay, "recompute", other)
    refused(fedrl("submit", str(public)), "is not reproduced")
    assert not BOARD.exists()


def test_code_of_another_package_is_pinned_by_its_digest(
    fedrl: Fedrl,  # noqa: F811
    public: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leaderboard, "ALGORITHMS", {})  # as if they were of another package
    assert fedrl("submit", str(public)).code == 0
    real = stored_run.original

    def edited(*words, **options):
        found = real(*words, **options)
        return found._replace(differences=found.differences | {"code": ("then", "now")})

    monkeypatch.setattr(stored_run, "original", edited)
    refused(fedrl("submit", str(public)), "whose code now is not the code")


def test_a_folder_that_is_no_leaderboard_is_left_alone(
    fedrl: Fedrl,  # noqa: F811
) -> None:
    mine = Path("mine")
    mine.mkdir()
    (mine / "package.json").write_text("{}")
    Path("nothing").mkdir()
    for name in ("other.json", "README.md"):
        before = bytes_of(mine)
        for words in ([], ["nothing"]):
            refused(fedrl("submit", *words, "--to", str(mine)), "is no leaderboard: it holds ")
        assert bytes_of(mine) == before
        (mine / name).write_text("# Mine")


def test_a_row_that_lost_its_evidence_is_taken_off(
    fedrl: Fedrl,  # noqa: F811
    public: Path,
) -> None:
    fedrl("submit", str(public))
    edit_records(public)
    answer = fedrl("submit")
    assert answer.code == 1
    assert "tiny is not listed any more: its records or runs are not those" in answer.out
    assert "No study is listed yet" in (BOARD / leaderboard.README).read_text()
    assert not (BOARD / "tiny.json").exists()
