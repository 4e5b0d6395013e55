"""What the documentation says exists and works; its site is built by `tox run -e docs`."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from fedrl import run_study
from fedrl.benchmark.cli.main import app
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.schedule import Schedule
from fedrl.benchmark.config.selection import select
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import built_in
from fedrl.benchmark.conformance.verdicts import judge
from fedrl.benchmark.execution import processes
from fedrl.benchmark.storage.store import Store
from places import ROOT

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

from making import docstrings, links, pages, reference, rooms, settings, studies  # noqa: E402
from making.measured import (  # noqa: E402
    clock,
    deep,
    frontier,
    paper_tuned,
    personal,
    published_runs,
    sensitivity,
    stability,
    theory,
)

COMMANDS: Any = typer.main.get_command(app)
PLACEHOLDERS = ("STUDY", "NAME", "COMMAND")
TRICKS = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.M)


@cache
def generated() -> dict[str, str]:
    return pages.texts()


@cache
def texts() -> dict[str, str]:
    """Name to text of every page, generated ones too."""
    found = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md")}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS)
        if name.parts[0] not in ("_build", "generated"):
            found[f"docs/{name.as_posix()}"] = path.read_text("utf-8")
    return found | {f"docs/generated/{name}": text for name, text in generated().items()}


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """(page, code) of every fenced block in one of the languages."""
    for name, text in texts().items():
        for language, code in re.findall(r"^ *```(\w+)[^\n]*\n(.*?)^ *```", text, re.S | re.M):
            if language in languages:
                yield name, code


def programs(code: str) -> Iterator[list[str]]:
    """The words of every `fedrl …` in shell code."""
    for line in code.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|", line):
            words = shlex.split(part, comments=True)
            if words[:1] == ["fedrl"]:
                yield words[1:]


def shell() -> list[tuple[str, list[str]]]:
    return [(name, words) for name, code in blocks("sh") for words in programs(code)]


def spans() -> list[tuple[str, list[str]]]:
    """The words of every `fedrl …` in a sentence."""
    found = []
    for name, text in texts().items():
        prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
        for span in re.findall(r"(?<!`)`(fedrl [^`]+)`(?!`)", prose):
            found += [(name, words) for words in programs(" ".join(span.split()))]
    return found


# --- commands -------------------------------------------------------------------------------------


def test_every_command_in_a_block_is_one_the_program_takes() -> None:
    """Names of commands, options and values; nothing is run."""
    assert len(shell()) > 60
    for page, (name, *words) in shell():
        if name in PLACEHOLDERS or words == ["--help"]:
            continue
        assert name in COMMANDS.commands, f"{page}: no command fedrl {name}"
        try:
            COMMANDS.commands[name].make_context(name, list(words))
        except Exception as error:
            raise AssertionError(f"{page}: fedrl {name} {words}: {error}") from error


def test_every_command_in_a_sentence_has_the_options_it_is_given() -> None:
    assert len(spans()) > 15
    for page, (name, *words) in spans():
        if name in PLACEHOLDERS:
            continue
        assert name in COMMANDS.commands, f"{page}: no command fedrl {name}"
        known = {option for p in COMMANDS.commands[name].params for option in p.opts}
        for word in words:
            option = word.partition("=")[0]
            assert not option.startswith("--") or option in known | {"--help"}, f"{page}: {word}"


def test_every_study_in_a_command_can_be_loaded_as_it_is_asked_for() -> None:
    """Its name, what is overridden and what is kept."""
    asked = set()
    for _, (name, *words) in shell():
        if name in COMMANDS.commands and words != ["--help"]:
            given = COMMANDS.commands[name].make_context(name, list(words)).params
            study = given.get("study")
            if study in (None, *PLACEHOLDERS) or "STUDY" in words:
                continue
            if not str(study).endswith(".toml"):
                asked.add(
                    (study, tuple(given.get("overrides") or ()), tuple(given.get("only") or ()))
                )
    assert {study for study, *_ in asked} <= set(built_in())
    assert len(asked) > 10
    for study, overrides, only in sorted(asked):
        assert select(studies.load(study, overrides, ()).every_run, only)


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    words = next(programs("fedrl run quick --onli family=cartpole  # and so on"))
    assert words == ["run", "quick", "--onli", "family=cartpole"]
    with pytest.raises(Exception, match="--onli"):
        COMMANDS.commands["run"].make_context("run", words[1:])


def test_the_command_reference_has_every_option_of_every_command() -> None:
    text = generated()["commands.md"]
    for name, command in COMMANDS.commands.items():
        section = text.split(f"## `fedrl {name}`\n")[1].split("\n## ")[0]
        for parameter in command.params:
            if parameter.name != "help":
                shown = str(parameter.opts[0])
                named = str(parameter.metavar or parameter.name.upper())
                place = shown if shown.startswith("--") else f"`{named}`"
                assert place.replace("|", "\\|") in section


# --- code -----------------------------------------------------------------------------------------


def test_python_in_pages_imports_what_exists() -> None:
    """It parses, and every name it imports is there."""
    found = list(blocks("python"))
    assert len(found) >= 6
    for page, code in found:
        tree = ast.parse(code, page)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{page}: {node.module}.{alias.name}"


@pytest.mark.long
def test_the_script_of_the_quick_start_says_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "default_workers", lambda: 1)
    ((_, code),) = [b for b in blocks("python") if b[0] == "docs/guide/quick-start.md"]
    exec(compile(code, "quick start", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    for algorithm in ("fedpg", "fedpg-m", "fedsvrpg-m", "fedhapg-m"):
        assert re.search(rf"^(0\.0|1\.0|) +{algorithm} +-?\d", printed, re.M)


def test_the_study_of_the_guide_has_the_size_that_is_told(tmp_path: Path) -> None:
    code, schedule = [b for name, b in blocks("toml") if name == "docs/guide/studies.md"]
    path = tmp_path / "momentum.toml"
    path.write_text(code, encoding="utf-8")
    study = load_study(path)
    assert (len(study.configs()), len(study.runs())) == (6, 30)
    assert Schedule(**tomllib.loads(schedule)["schedule"]).signal == (0.05, 0.4, 4.0)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The example package, found through its entry points as if pip had installed it."""
    project = tomllib.loads((DOCS / "example" / "pyproject.toml").read_text("utf-8"))["project"]
    information = tmp_path / "site" / "my_package-0.1.0.dist-info"
    information.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (information / "METADATA").write_text(head)
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (information / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(information.parent)
    monkeypatch.syspath_prepend(DOCS / "example")
    for known in (registry.algorithms, registry.families):
        known.cache_clear()
    yield project["entry-points"]
    for known in (registry.algorithms, registry.families):
        known.cache_clear()


def test_the_example_package_obeys_the_laws_and_runs_as_its_pages_say(
    installed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = registry.algorithms() | dict(registry.families())
    for name in ("normalised-pg", "corridor"):
        verdicts = list(judge(entries[name]))
        assert len(verdicts) > 5
        assert [v.sentence for v in verdicts if not v.holds] == []
    monkeypatch.chdir(tmp_path)
    study = load_study(DOCS / "example" / "corridor.toml", ["seeds=1", "settings.rounds=3"])
    (executor,) = installed["fedrl.executors"]
    for folder, name in (("here", "local"), ("there", executor)):
        assert run_study(
            DOCS / "example" / "corridor.toml",
            results=folder,
            workers=1,
            executor=name,
            overrides=["seeds=1", "settings.rounds=3"],
        ).complete
    for run in study.runs():
        ours, theirs = (Store(Path(folder), study.name).path(run) for folder in ("here", "there"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_the_tree_of_the_extension_guide_is_the_example() -> None:
    page = texts()["docs/extend/algorithm.md"]
    tree = page.split("```text\n")[1].split("```")[0]
    named = set(re.findall(r"[\w-]+\.(?:toml|py)", tree))
    example = DOCS / "example"
    assert named == {path.name for path in example.rglob("*") if path.suffix in (".py", ".toml")}


# --- what pages refer to --------------------------------------------------------------------------


def test_headings_of_a_page_skip_no_level() -> None:
    """Which would end the building of the site; of a README, which stands alone, too."""
    for page, text in texts().items():
        prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
        levels = [len(head) for head in re.findall(r"^(#+) ", prose, re.M)]
        for above, below in zip(levels, levels[1:], strict=False):
            assert below <= above + 1, f"{page}: a heading of level {below} below one of {above}"


def test_links_to_published_studies_lead_to_their_pages() -> None:
    linked = re.compile(r"\]\(([^)]*published/\w+(?:/README)?\.md)\)")
    for name, text in texts().items():
        told = [text]
        links.rewrite(None, name.removeprefix("docs/").removesuffix(".md"), told)
        if name.startswith("docs/") and not name.startswith("docs/generated/"):
            for target in linked.findall(told[0]):
                assert target.removeprefix("/generated/") in generated(), f"{name}: {target}"


def test_every_promise_names_a_test_that_exists() -> None:
    page = texts()["docs/trust/promises.md"]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in found, f"{path} has no {name}"
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    assert all("::test_" in row for row in rows if not row.startswith("| promise"))


def test_every_file_of_a_test_in_the_readme_exists() -> None:
    for path in re.findall(r"`(tests/[\w./]+)`", texts()["README.md"]):
        assert (ROOT / path).exists(), path


def test_every_path_of_the_repository_that_a_page_names_exists() -> None:
    """Those that a worked example tells to save are not there yet."""
    folders = "algorithms|benchmark|envs|reports|tests"
    count = 0
    for page, text in texts().items():
        told = set(re.findall(r"Save this as\s`([^`]+)`", text))
        for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.S)):
            for path in re.findall(rf"(?<![\w/-])(?:{folders})/[\w./*-]*", span):
                pattern = path.rstrip(".")
                assert pattern in told or any(ROOT.glob(pattern)), f"{page}: {pattern}"
                count += 1
    assert count > 100


def test_the_picture_of_the_rooms_is_drawn_from_their_table() -> None:
    assert rooms.PICTURE.read_text("utf-8") == rooms.drawing(), "run: python docs/making/rooms.py"


def test_every_name_of_the_python_reference_that_a_page_refers_to_exists() -> None:
    documented = set(reference.modules())
    named = set()
    for text in texts().values():
        named |= set(re.findall(r"\{py:(func|class|mod)\}`([\w.]+)`", text))
    assert len(named) > 30
    for role, name in named:
        module, attribute = (name, "") if role == "mod" else name.rsplit(".", 1)
        assert module in documented, f"{module} has no page"
        assert not attribute or inspect.getdoc(getattr(importlib.import_module(module), attribute))


def test_every_link_leads_to_a_page() -> None:
    """Between pages, from the README, and to files of the repository."""
    made = {f"generated/{name}" for name in generated()}
    count = 0
    for name, text in texts().items():
        bare = re.sub(r"```.*?```", "", text, flags=re.S)
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", bare):
            if re.match(r"\w+:", target):
                assert re.fullmatch(r"https?://[\w.-]+\.[a-z]+(/\S*)?", target), target
                continue
            start = DOCS if target.startswith("/") else (ROOT / name).parent
            path = (start / target.lstrip("/")).resolve()
            inside = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else ""
            assert path.exists() or inside in made, f"{name}: {target}"
            count += 1
    assert count > 100


def test_every_page_stands_in_one_list_of_contents() -> None:
    """Hand-written pages; those in a list that is made stand in it by construction."""
    listed: list[str] = []
    for name, text in texts().items():
        folder = Path(name).parent.relative_to("docs") if name.startswith("docs/") else Path()
        for entries in re.findall(r"```\{toctree\}\n(.*?)```", text, re.S):
            for entry in entries.split():
                if not entry.startswith(":"):
                    place = entry.lstrip("/") if entry.startswith("/") else str(folder / entry)
                    listed.append(place.removesuffix(".md"))
    written = {
        path.relative_to(DOCS).with_suffix("").as_posix()
        for path in DOCS.rglob("*.md")
        if path.relative_to(DOCS).parts[0] not in ("_build", "generated", "algorithms", "example")
    }
    assert len(listed) == len(set(listed))
    assert written - {"index"} <= set(listed)


# --- settings -------------------------------------------------------------------------------------


def test_the_settings_page_has_every_field_with_a_meaning_a_range_and_a_default() -> None:
    page = generated()["settings.md"]
    section = page.split("## `[settings]`")[1].split("\n### ")[0]
    rows = {
        configs[1].strip(" `"): [config.strip() for config in configs[2:-1]]
        for line in section.splitlines()
        if line.startswith("| `")
        for configs in [re.split(r"(?<!\\)\|", line)]
    }
    fields = set(Config.model_fields) - set(settings.STRUCTURE)
    assert set(rows) == fields
    for name, (_, meaning, _, allowed, default) in rows.items():
        assert meaning, f"{name} has no comment in benchmark/config/configuration.py"
        assert allowed not in ("", "any"), name
        assert default.strip("`") == settings.toml(Config.model_fields[name].default), name


def test_units_are_of_settings_that_exist() -> None:
    page = generated()["settings.md"]
    for name in settings.UNITS:
        assert f"| `{name.split('.')[-1]}` |" in page


@pytest.mark.parametrize("name", sensitivity.tables())
def test_tables_of_the_sensitivity_page_are_those_of_the_published_studies(name: str) -> None:
    assert sensitivity.tables()[name] in texts()["docs/sensitivity.md"]


def test_tables_of_the_theory_page_are_those_of_the_published_study() -> None:
    """Otherwise: PYTHONPATH=docs python -m making.measured.theory."""
    page = texts()["docs/theory.md"]
    assert all(theory.MARK.format(name=name) in page for name in theory.tables())
    assert theory.written(page, theory.tables()) == page
    assert theory.sizes_words() in page


@pytest.mark.parametrize(
    "maker",
    [personal, clock, frontier, stability, pytest.param(paper_tuned, marks=pytest.mark.long)],
    ids=lambda m: m.PAGE.stem,
)
def test_tables_of_pages_on_single_studies_are_those_of_the_published_ones(maker: Any) -> None:
    """Otherwise: PYTHONPATH=docs python -m making.measured.NAME."""
    page = maker.PAGE.read_text("utf-8")
    assert all(published_runs.MARK.format(name=name) in page for name in maker.tables())
    assert published_runs.written(page, maker.tables()) == page


def test_the_picture_of_the_frontier_has_the_marks_of_its_records() -> None:
    """Otherwise: PYTHONPATH=docs python -m making.measured.frontier; its bytes vary by platform."""
    marks = len(re.findall(rb"<use ", frontier.picture()))
    assert len(re.findall(rb"<use ", frontier.PICTURE.read_bytes())) == marks > 72


def test_tricks_are_settings_that_are_off() -> None:
    section = texts()["docs/trust/fidelity.md"].split("## Tricks that are off")[1]
    named = re.findall(r"`(\w+)`", " ".join(TRICKS.findall(section)))
    assert len(named) >= 10
    for name in named:
        assert Config.model_fields[name].default in (None, False, "none", 0.0, 1.0), name


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "auto", (8, 8), ((1, 2), (3,))])
def test_defaults_are_written_as_a_study_takes_them(value: Any) -> None:
    read = tomllib.loads(f"value = {settings.toml(value)}")["value"]
    assert read == ("none" if value is None else json.loads(json.dumps(value)))


# --- docstrings -----------------------------------------------------------------------------------


def test_docstrings_lose_no_letter_on_the_site() -> None:
    """Escapes away, what is shown is what is written."""
    written = "π(a|s) and θ_r, `Model`s: \\ 2*a*b"
    (shown, _) = docstrings.restructured([written])
    assert shown == "π(a\\|s) and θ\\_r, ``Model``\\ s: \\\\ 2\\*a\\*b"
    columns = ["f(x) -> y        x: (d,)", "    more: (n,)"]
    assert docstrings.restructured(columns)[2:4] == [f"    {line}" for line in columns]


def test_fields_carry_the_comments_behind_or_above_them() -> None:
    from fedrl.algorithms.algorithm import Server
    from fedrl.algorithms.estimators.gradients import Gradients

    assert {f.name: f.meaning for f in docstrings.fields_of(Server)}["theta"] == "(d,), θ_r"
    above = {f.name: f.meaning for f in docstrings.fields_of(Gradients)}["per_decision"]
    assert above.startswith("γ^j R_j")
    assert above.endswith("2000.")


def test_the_page_on_deep_learning_says_what_the_published_studies_say() -> None:
    for part in (deep.table(), deep.tuned(), deep.answers()):
        assert part in texts()["docs/deep.md"]
