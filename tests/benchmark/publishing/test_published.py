"""Laws of `fedrl verify` and `fedrl publish`: the same bytes, or which number moved."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from published_studies import replays
from test_cli import TEXT, Answer, assert_mistake, fedrl  # noqa: F401

from fedrl import run_study
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.publishing import crate, sources
from fedrl.benchmark.publishing.publication import best_runs
from fedrl.benchmark.publishing.published import cheapest
from fedrl.benchmark.publishing.readme import smaller
from fedrl.benchmark.publishing.verification import changed, published, verify
from fedrl.benchmark.storage.files import StoreError
from fedrl.benchmark.storage.store import Store, Stored


def test_without_a_place_for_temporary_files_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose file systems are all read-only."""

    def nowhere(*_: object) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "_get_default_tempdir", nowhere)
    monkeypatch.setattr(tempfile, "tempdir", None)
    study = next(folder for folder in published() if folder.name == "quick")
    with pytest.raises(StoreError, match=r"cannot verify .*: No usable temporary directory found"):
        verify(study)


Fedrl = Callable[..., Answer]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with a tiny study, and the study's file beside it."""
    folder = tmp_path_factory.mktemp("computed")
    (folder / "tiny.toml").write_text(TEXT)
    run_study(folder / "tiny.toml", results=folder / "results", workers=1)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def publish(fedrl: Fedrl, computed: Path, out: str = "public", *more: str) -> Answer:  # noqa: F811
    results = str(computed / "results")
    return fedrl("publish", "tiny.toml", "--results", results, "--out", out, *more)


@pytest.mark.long
def test_a_report_is_made_again_bit_for_bit(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    drawings: dict[bytes, Path],
    drawn: None,
) -> None:
    results = str(computed / "results")
    assert fedrl("report", "tiny.toml", "--results", results, "--out", "report").code == 0
    before = bytes_of(Path("report"))
    drawings.clear()
    answer = fedrl("verify", "report")
    assert len(drawings) == 1
    assert (answer.code, answer.out) == (0, f"report: identical, {len(before) - 3} artefacts\n")
    assert bytes_of(Path("report")) == before
    recorded = sources.read_digests(Path("report/source"))
    for name, digest in (recorded.artefacts | recorded.source).items():
        path = name if name in before else f"source/{name}"
        assert hashlib.sha256(before[path]).hexdigest() == digest


def test_a_report_that_may_not_be_written_is_refused_before_it_is_made(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("file").touch()
    monkeypatch.setattr("fedrl.benchmark.publishing.publication.read_records", None)
    command = ("report", "tiny.toml", "--results", str(computed / "results"), "--out")
    assert_mistake(fedrl(*command, "file/report"), "cannot write the report to file/report")


def test_an_edited_artefact_is_named(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    results = str(computed / "results")
    fedrl("report", "tiny.toml", "--results", results, "--out", "report")
    figure = next(Path("report/figures").glob("*.svg"))
    figure.write_bytes(figure.read_bytes() + b" ")
    page = Path("report/index.html")
    page.unlink()
    found = verify(Path("report"))
    assert found.differing == [f"figures/{figure.name}", "index.html"]
    assert fedrl("verify", "report").code == 1


def test_one_number_edited_in_a_table_is_told(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    results = str(computed / "results")
    fedrl("report", "tiny.toml", "--results", results, "--out", "report")
    path = next(p for p in sorted(Path("report/tables").glob("*.csv")) if "paired" in p.name)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    column = "pairs"
    was = table.loc[1, column]
    table.loc[1, column] = "77"
    table.to_csv(path, index=False, lineterminator="\n")
    answer = json.loads(fedrl("verify", "report", "--json").out)[0]
    assert answer["differing"] == [f"tables/{path.name}"]
    (change,) = answer["changes"]
    assert (change["row"], change["column"]) == (2, column)
    assert (change["old"], change["new"]) == ("77", was)


def edit_records(out: Path) -> None:
    """Another last score, in a file that is whole."""
    source = sources.read_source(out)
    source.frame.loc[source.frame.index[-1], "objective"] += 0.125
    (out / sources.RECORDS).write_bytes(sources.packed(*source[:4]).files[sources.RECORDS])


@pytest.mark.long
def test_one_number_edited_in_the_records_moves_the_tables(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    assert publish(fedrl, computed).code == 0
    out = Path("public")
    edit_records(out)
    found = verify(out)
    assert found.differing[0] == sources.RECORDS
    assert "index.html" in found.differing
    assert any("final" in change.column for change in found.changes)
    assert fedrl("verify", "--published", ".").code == 1


def test_the_readme_has_what_was_found_and_is_verified(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    """Verdict, leaderboard, figures; an edit is found also where the crate was written anew."""
    assert publish(fedrl, computed).code == 0
    out = Path("public")
    text = (out / "README.md").read_text("utf-8")
    pictures = re.findall(r"^!\[[^\]]+\]\((pictures/[^)]+\.svg)\)$", text, re.M)
    assert pictures
    assert sorted(p.as_posix() for p in out.glob("pictures/*")) == sorted(
        f"public/{name}" for name in pictures
    )
    assert "| place | algorithm |" in text
    assert verify(out).identical
    for name in ("README.md", pictures[0]):
        before = (out / name).read_bytes(), (out / crate.NAME).read_bytes()
        (out / name).write_bytes(before[0].replace(b"0", b"1", 1))
        assert verify(out).differing == [name]
        described = crate.crate(sources.read_source(out), out, "2026-03-31")
        (out / crate.NAME).write_bytes(sources.as_json(described))
        assert verify(out).differing == [name]
        for path, content in zip((name, crate.NAME), before, strict=True):
            (out / path).write_bytes(content)
    assert verify(out).identical


def test_a_smaller_drawing_has_the_same_words_and_shapes() -> None:
    svg = b'<path d="M 12.345678 -3.999999L100.5 7" transform="scale(0.015625)"/>'
    assert smaller(svg) == b'<path d="M 12.35 -4L100.5 7" transform="scale(0.01562)"/>'


def test_the_page_of_published_records_is_the_one_that_was_published(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`report --from` writes it; `open` keeps it, and makes it once."""
    assert publish(fedrl, computed).code == 0
    known = sources.read_digests(Path("public")).artefacts
    assert fedrl("report", "--from", "public", "--out", "again").out == "again/index.html\n"
    assert sources.read_digests(Path("again/source")).artefacts == known
    assert verify(Path("again")).identical
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("cache").resolve()))
    first = fedrl("open", "public", "--no-browser").out.strip()
    assert hashlib.sha256(Path(first).read_bytes()).hexdigest() == known["index.html"]
    monkeypatch.setattr(sources, "make_report", None)  # the second time nothing is made
    assert fedrl("open", "public", "--no-browser").out.strip() == first


def test_what_report_and_open_cannot_make_is_said(fedrl: Fedrl) -> None:  # noqa: F811
    assert_mistake(fedrl("report"), "name a study, or --from a folder")
    assert_mistake(fedrl("report", "--from", "public"), "needs --out DIR")
    assert_mistake(fedrl("open", "theorie"), "did you mean 'theory'?")


def test_entries_are_compared_by_their_columns() -> None:
    old, new = "a,b\n1,2\n3,4\n", "b,c\n2,5\n"
    told = {
        (change.row, change.column, change.old, change.new) for change in changed("t", old, new)
    }
    assert told == {
        *((1, "a", "1", None), (1, "c", None, "5")),
        *((2, "a", "3", None), (2, "b", "4", None)),
    }


def test_a_source_is_read_as_it_was_written(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "x": [0.1, np.nan, -0.0, 1 / 3],
            "word": ["a", np.nan, "", "é"],
            "mixed": pd.Series([True, np.nan, "a", 3], dtype=object),
            "count": [1, 2, 3, 4],
        }
    )
    once = sources.packed(frame, {"b": [1], "a": None}, "Title", "")
    assert sources.packed(*once[:4]).files == once.files
    pd.testing.assert_frame_equal(once.frame[["x", "count"]], frame[["x", "count"]])
    assert once.frame["mixed"].tolist()[0] is True
    assert once.frame["mixed"].tolist()[2:] == ["a", 3]
    assert once.frame["word"].isna().tolist() == [False, True, False, False]
    more = sources.with_provenance(once, once.provenance | {"0": [2]})
    sources.write_source(more, {}, tmp_path)
    assert list(sources.read_source(tmp_path).provenance) == list(more.provenance)


def test_records_that_another_program_wrote_again_say_what_they_lack(tmp_path: Path) -> None:
    source = sources.packed(pd.DataFrame({"x": [0.1]}), {}, "Title", "")
    for name, content in source.files.items():
        (tmp_path / name).write_bytes(content)
    pd.read_parquet(tmp_path / sources.RECORDS).to_parquet(tmp_path / sources.RECORDS)
    with pytest.raises(StoreError, match=r"are corrupt: they lack 'fedrl\.json'"):
        sources.read_source(tmp_path)


def test_a_published_study_verifies_replays_and_is_the_same_again(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    answer = publish(fedrl, computed, "public/tiny", "--date", "2026-03-31")
    assert answer.code == 0
    before = bytes_of(Path("public/tiny"))
    assert published(Path("public")) == [Path("public/tiny")]
    assert fedrl("verify", "--published", "public").code == 0
    assert replays(Path("public/tiny")) == ["identical"] * 3
    publish(fedrl, computed, "public/tiny", "--date", "2026-03-31")
    assert bytes_of(Path("public/tiny")) == before
    assert not any(str(computed).encode() in content for content in before.values())


def test_a_corrupt_study_hides_no_other(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    """Before and after one that is sound: each is named, with the exit code of differences."""
    publish(fedrl, computed, "public/tiny", "--date", "2026-03-31")
    for name in ("cut", "without"):
        shutil.copytree("public/tiny", f"public/{name}")
    Path("public/cut/digests.json").write_text("{")
    Path("public/without/digests.json").unlink()
    answer = fedrl("verify", "--published", "public")
    assert answer.code == 1
    told = answer.out.splitlines()
    assert [line.partition(": ")[0] for line in told] == [
        "public/cut",
        "public/tiny",
        "public/without",
    ]
    assert "cannot be verified" in told[0]
    assert "identical" in told[1]
    assert "cannot be verified" in told[2]
    answers = json.loads(fedrl("verify", "public/cut", "public/tiny", "--json").out)
    assert [bool(answer["unread"]) for answer in answers] == [True, False]
    assert fedrl("verify", "public/cut").code == 2


def test_the_crate_describes_every_file_and_nothing_else(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    publish(fedrl, computed, "public", "--date", "2026-03-31")
    files = bytes_of(Path("public"))
    crate = json.loads(files.pop("ro-crate-metadata.json"))
    known = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(known) == len(crate["@graph"])
    assert known["./"]["datePublished"] == "2026-03-31"
    assert known["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert sorted(part["@id"] for part in known["./"]["hasPart"]) == sorted(files)
    for name, content in files.items():
        assert known[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert known[name]["contentSize"] == str(len(content))
    for entity in crate["@graph"]:
        for value in entity.values():
            links = value if isinstance(value, list) else [value]
            for link in (each["@id"] for each in links if isinstance(each, dict)):
                assert link in known or link.startswith("https://w3id.org/")


def test_the_crate_has_what_the_specification_requires(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    """RO-Crate 1.1: the metadata descriptor, the root data entity, data entities; no --date."""
    answer = publish(fedrl, computed, "public")
    today = datetime.now(UTC).date()
    document = json.loads(Path("public/ro-crate-metadata.json").read_text())
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    known = {entity["@id"]: entity for entity in document["@graph"]}
    assert all({"@id", "@type"} <= set(entity) for entity in document["@graph"])
    described = known["ro-crate-metadata.json"]
    assert described["@type"] == "CreativeWork"
    assert described["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = known[described["about"]["@id"]]
    assert root["@id"] == "./"
    assert root["@type"] == "Dataset"
    assert all(root[name] for name in ("name", "description", "license", "hasPart"))
    day = date.fromisoformat(root["datePublished"])
    assert abs((day - today).days) <= 1  # of this machine's clock, wherever it stands
    assert str(day) in answer.err
    assert known[root["license"]["@id"]]["@type"] == "CreativeWork"
    for part in root["hasPart"]:
        assert known[part["@id"]]["@type"] == "File"
        assert (Path("public") / part["@id"]).is_file()


def test_the_cheapest_runs_of_different_algorithms_are_kept(computed: Path) -> None:
    study = load_study(computed / "tiny.toml")
    stored = Store(computed / "results", "tiny").load(study.runs())
    cost = {id(entry): int(entry.columns["steps_total"][-1]) for entry in stored}
    chosen = cheapest(stored)
    assert {entry.run.config.algorithm for entry in chosen[:2]} == {"fedpg", "fedsvrpg-m"}
    assert cost[id(chosen[0])] == min(cost.values())
    assert cheapest(stored[::-1]) == chosen
    assert len(cheapest(stored[:2])) == 2


def test_a_study_is_drawn_again_from_its_published_records(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(fedrl, computed, "public", "--date", "2026-03-31")
    before = bytes_of(Path("public"))
    again = fedrl("publish", "tiny.toml", "--redraw", "--out", "public")
    assert again.code == 0
    assert bytes_of(Path("public")) == before
    assert {line.split()[-1] for line in again.out.splitlines()[1:]} == {
        f"public/{name}" for name in before if name.startswith("runs/") and is_result(name)
    }
    monkeypatch.setattr("fedrl.reports.table.formatting.NOTHING", "nothing")  # drawn differently
    assert verify(Path("public")).differing
    assert fedrl("publish", "tiny.toml", "--redraw", "--out", "public").code == 0
    after = bytes_of(Path("public"))
    assert verify(Path("public")).identical
    assert sorted(after) == sorted(before)
    altered = {name for name in before if before[name] != after[name]}
    assert {"digests.json", "ro-crate-metadata.json"} <= altered
    assert not any(name.startswith("runs/") or name.startswith("records") for name in altered)


def test_edited_records_are_not_drawn_again(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    publish(fedrl, computed, "public", "--date", "2026-03-31")
    source = sources.read_source(Path("public"))
    source.frame.loc[source.frame.index[-1], "objective"] += 0.125
    (Path("public") / sources.RECORDS).write_bytes(
        sources.packed(*source[:4]).files[sources.RECORDS]
    )
    before = bytes_of(Path("public"))
    answer = fedrl("publish", "tiny.toml", "--redraw", "--out", "public")
    assert_mistake(answer, "is not what was published")
    assert bytes_of(Path("public")) == before
    missing = fedrl("publish", "tiny.toml", "--redraw", "--out", "nowhere")
    assert_mistake(missing, "no folder nowhere")
    assert not Path("nowhere").exists()


def test_everything_in_a_published_folder_is_verified(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    publish(fedrl, computed, "public", "--date", "2026-03-31")
    table = next(Path("public/tables").glob("*.csv")).name
    result = next(p for p in sorted(Path("public/runs").glob("*/*.parquet")) if is_result(p.name))
    run = result.relative_to("public").as_posix()
    sound = bytes_of(Path("public"))
    told: dict[str, list[str]] = {}
    for name, content in (
        ("README.md", b"other words"),
        ("notes.txt", b"of nobody"),
        (f"tables/{table}", b"\xff\xfe"),
        (run.replace(".parquet", ".parameters.npz"), b"x"),
        (result.with_name("seed-00077.parquet").relative_to("public").as_posix(), sound[run]),
    ):
        path = Path("public") / name
        path.write_bytes(content)
        told[name] = verify(Path("public")).differing
        path.write_bytes(sound[name]) if name in sound else path.unlink()
    another = list(told)[-1]  # the page of the folder names all runs that lie there
    assert told == {name: [name] for name in told} | {another: [another, "README.md"]}
    (Path("public/tables") / table).write_bytes(b"\xff\xfe")
    answer = fedrl("verify", "public")
    assert answer.code == 1
    assert f"differs: tables/{table} is not text" in answer.out
    for name, listed in (("digests.json", "index.html"), ("ro-crate-metadata.json", "README.md")):
        outside = sound[name].replace(f'"{listed}"'.encode(), b'"../x"')
        (Path("public") / name).write_bytes(outside)
        assert_mistake(fedrl("verify", "public"), name, "'../x'")
        (Path("public") / name).write_bytes(sound[name])


def test_a_report_of_a_part_leaves_nothing_of_the_whole(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
) -> None:
    words = ("report", "tiny.toml", "--results", str(computed / "results"), "--out", "report")
    fedrl(*words)
    Path("report/report.pdf").write_bytes(b"compiled by the user")
    outside = Path("outside.svg")
    outside.write_bytes(b"kept")
    linked = next(Path("report/figures").glob("*.svg"))
    linked.unlink()
    linked.symlink_to(outside.absolute())
    fedrl(*words, "--only", "algorithm=fedpg")
    assert fedrl("verify", "report").code == 0
    assert outside.read_bytes() == b"kept"
    assert Path("report/report.pdf").read_bytes() == b"compiled by the user"
    Path("report/tables/old.csv").write_bytes(b"x")
    assert verify(Path("report")).differing == ["tables/old.csv"]


def test_a_folder_that_cannot_be_finished_stays_as_it_was(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(fedrl, computed, "public", "--date", "2026-03-31")
    before = bytes_of(Path())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for step in ("readme.files", "sources.write_source", "published._describe"):
        with monkeypatch.context() as broken:
            broken.setattr(f"fedrl.benchmark.publishing.{step}", full)
            for out in ("public", "new"):
                answer = publish(fedrl, computed, out, "--date", "2026-04-01")
                assert_mistake(answer, f"cannot write {out}: No space left on device")
        assert bytes_of(Path()) == before
    assert publish(fedrl, computed, "new", "--date", "2026-03-31").code == 0
    assert bytes_of(Path("new")) == bytes_of(Path("public"))


def is_result(name: str) -> bool:
    return name.endswith(".parquet") and ".seconds" not in name


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("run", "not stored"),
        ("parameters", "not stored"),
        ("bits", "corrupt"),
        ("manifest", "no manifest tells"),
        ("code", "other code or versions"),
    ],
)
def test_what_is_not_complete_is_not_published(
    fedrl: Fedrl,  # noqa: F811
    computed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    says: str,
) -> None:
    shutil.copytree(computed / "results", "results")
    study = load_study("tiny.toml")
    store = Store(tmp_path / "results", "tiny")
    path = store.path(study.runs()[3])
    if damage == "run":
        path.unlink()
    elif damage == "parameters":
        path.with_name(path.name.replace(".parquet", ".parameters.npz")).unlink()
    elif damage == "bits":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "manifest":
        (path.parent / "manifest.json").unlink()
    else:
        monkeypatch.setattr("fedrl.benchmark.storage.provenance.config_code", lambda _: "other")
    assert_mistake(fedrl("publish", "tiny.toml", "--out", "public"), says)
    assert not Path("public").exists()


def test_a_day_that_is_none_is_a_mistake(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    assert_mistake(publish(fedrl, computed, "public", "--date", "31.3."), "is not a day")
    assert not Path("public").exists()


def test_a_folder_of_something_else_is_left_alone(fedrl: Fedrl, computed: Path) -> None:  # noqa: F811
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("x")
    assert_mistake(publish(fedrl, computed, "mine"), "not empty")
    assert bytes_of(Path("mine")) == {"thesis.tex": b"x"}


def test_a_folder_that_is_no_report_is_a_mistake(fedrl: Fedrl) -> None:  # noqa: F811
    Path("empty").mkdir()
    assert_mistake(fedrl("verify", "empty"), "is not a report")
    assert_mistake(fedrl("verify", "--published", "empty"), "no study is published below empty")
    assert_mistake(fedrl("verify", "emty"), "there is no folder emty", "did you mean empty?")
    assert_mistake(fedrl("verify", "--published", "emty"), "did you mean empty?")


@pytest.mark.long
def test_a_shipped_study_verifies_and_another_replays(drawn: None) -> None:
    """`tox run -e thorough` asks both of all that are in reports/published; these are short."""
    shipped = {folder.name: folder for folder in published()}
    found = verify(shipped["ppo"])
    assert found.identical, found
    outcomes = replays(shipped["quick"])
    assert len(outcomes) == 3
    assert "differs" not in outcomes


@pytest.mark.long
def test_a_published_study_has_films_of_its_runs(fedrl: Fedrl) -> None:  # noqa: F811
    """The same bytes again when it is redrawn; one that is edited is told."""
    Path("maps.toml").write_text(TEXT.replace("random-mdp", "gridworld"))
    run_study("maps.toml", workers=1)
    assert fedrl("publish", "maps.toml", "--out", "public").code == 0
    film = Path("public/pictures/gridworld-final-policy.gif")
    assert film.read_bytes().startswith(b"GIF8")
    shown = "### gridworld\n\n![Final policy](pictures/gridworld-final-policy.gif)\n"
    assert shown in Path("public/README.md").read_text()
    before = bytes_of(Path("public"))
    assert fedrl("publish", "maps.toml", "--redraw", "--out", "public").code == 0
    assert bytes_of(Path("public")) == before
    assert fedrl("verify", "public").code == 0
    assert fedrl("report", "--from", "public", "--out", "again").code == 0
    assert (Path("again") / film.relative_to("public")).read_bytes() == film.read_bytes()
    film.write_bytes(film.read_bytes()[:-1])
    told = fedrl("verify", "public")
    assert told.code == 1
    assert "differs: pictures/gridworld-final-policy.gif" in told.out


@pytest.mark.long
def test_a_report_has_a_film_of_every_familys_best_run(fedrl: Fedrl) -> None:  # noqa: F811
    """The page names its place, and is made again where it is no more."""
    Path("maps.toml").write_text(TEXT.replace("random-mdp", "gridworld"))
    run_study("maps.toml", workers=1)
    assert fedrl("report", "maps.toml", "--out", "report").code == 0
    film = Path("report/pictures/gridworld-final-policy.gif")
    assert film.read_bytes().startswith(b"GIF8")
    assert f'data-film="{film.relative_to("report")}"' in Path("report/index.html").read_text()
    film.unlink()
    assert fedrl("verify", "report").code == 0


def test_the_best_run_of_a_family_is_the_one_that_ended_best_and_did_not_diverge(
    computed: Path,
) -> None:
    study = load_study(computed / "tiny.toml")
    stored = Store(computed / "results", study.name).load(study.runs())[:4]

    def ended(place: int, score: float, diverged: bool) -> Stored:
        columns = dict(stored[place].columns)
        name = str(columns["metric"][-1])
        columns[name] = np.array([0.0, score])
        columns["diverged"] = np.array([False, diverged])
        return stored[place]._replace(columns=columns)

    entries = [
        ended(0, 1.0, False), ended(1, 3.0, True), ended(2, 2.0, False), ended(3, 2.0, False)
    ]  # fmt: skip
    assert [entry is entries[2] for entry in best_runs(entries)] == [True]
    assert best_runs(entries[1:2]) == []
