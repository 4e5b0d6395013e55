"""The order of the rooms, written once, and the other house rules that imports can show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from places import ROOT

# Package to its rooms from the top down: a file imports its own room and those on lower lines,
# never a room beside it. A room is a folder with all below it, or one file: the contract of a
# package, and its `__init__`, the registry. docs/making/rooms.py draws this table.
ROOMS = {
    "benchmark": (
        ("__init__",),
        ("cli",),
        ("inspection", "claims"),
        ("tuning", "publishing"),
        ("conformance", "execution"),
        ("training", "storage", "sensitivity"),
        ("config",),
    ),
    "algorithms": (
        ("__init__",),
        ("methods",),
        ("actor_critic", "transport", "local_momentum"),
        ("algorithm",),
        ("estimators",),
    ),
    "envs": (
        ("views",),
        ("__init__",),
        ("finite", "control", "mujoco", "thirdparty"),
        ("physical",),
        ("family",),
        ("normal",),
        ("validation",),
    ),
    "reports": (
        ("__init__",),
        ("page",),
        ("sensitivity", "comparison"),
        ("speedup",),
        ("drawing",),
        ("table",),
        ("statistics",),
    ),
}
STANDS_ON = {"benchmark": {"algorithms", "envs", "reports"}}  # of the others: nothing of ours
FILES_OF_A_FOLDER = 20


@cache
def modules() -> dict[str, Path]:
    """Dotted name, as imported, to the file of every module of the four packages."""
    found = {}
    for path in sorted(path for package in ROOMS for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(("fedrl", *parts)).removesuffix(".__init__")] = path
    return found


def imported(source: str) -> set[str]:
    """Dotted names of all that a file imports, at any depth of nesting."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def imports() -> dict[str, set[str]]:
    """Module to the dotted names of all that it imports."""
    return {name: imported(path.read_text("utf-8")) for name, path in modules().items()}


@cache
def arrows() -> dict[str, set[str]]:
    """Module to the modules of ours that it imports."""
    return {name: ours(names) for name, names in imports().items()}


def ours(names: Iterable[str]) -> set[str]:
    """The module that each dotted name stands in, of those of this project."""
    found = set()
    for name in names:
        if name.split(".")[0] == "fedrl":
            while name != "fedrl" and name not in modules():
                name = name.rpartition(".")[0]
            found.add(name)
    return found


def users(library: str) -> set[str]:
    """Files that import a library, relative to the repository."""
    return {
        path.relative_to(ROOT).as_posix()
        for module, path in modules().items()
        if library in {name.split(".")[0] for name in imports()[module]}
    }


def place(name: str) -> tuple[str, int, str]:
    """(package, line of its table, room) of a module."""
    package, room, *_ = [*name.split(".")[1:], "__init__", "__init__"]
    (line,) = [line for line, rooms in enumerate(ROOMS.get(package, ())) if room in rooms] or [-1]
    return package, line, room


def allowed(importer: str, other: str) -> bool:
    """Whether one module may import the other: the same room, or a lower one."""
    (package, line, room), (package_below, line_below, room_below) = place(importer), place(other)
    if package != package_below:
        return package_below in STANDS_ON.get(package, ())
    return room == room_below or line < line_below


def begun(importer: str, names: Iterable[str]) -> Iterator[str]:
    """Modules that importing `names` begins: each, and the `__init__` of every package around it.

    Packages around the importer have begun already.
    """
    for name in names:
        parts = name.split(".")
        around = (".".join(parts[:count]) for count in range(2, len(parts)))
        yield from (face for face in around if not importer.startswith(f"{face}."))
        yield name


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of imports, or nothing."""
    try:
        TopologicalSorter(
            {name: set(begun(name, others)) - {name} for name, others in graph.items()}
        ).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_of_the_table_exists_and_says_what_it_is_for():
    for package, lines in ROOMS.items():
        for room in (room for line in lines for room in line):
            module = modules()[f"fedrl.{package}.{room}".removesuffix(".__init__")]
            assert ast.get_docstring(ast.parse(module.read_text("utf-8"))), module


def test_every_file_stands_in_a_room():
    assert [name for name in modules() if place(name)[1] < 0] == []


def test_imports_point_to_the_same_room_or_a_lower_one():
    assert sum(map(len, arrows().values())) > 1000
    wrong = [(a, b) for a, others in arrows().items() for b in others if not allowed(a, b)]
    assert wrong == []


def test_imports_have_no_circle():
    assert circle(arrows()) == []


@pytest.mark.parametrize(
    ("importer", "other"),
    [
        ("fedrl.benchmark.config.study", "fedrl.benchmark.training.federation"),  # upward
        ("fedrl.benchmark.storage.store", "fedrl.benchmark.training.federation"),  # beside
        ("fedrl.reports.table.runs", "fedrl.benchmark.config"),  # out of its package
        ("fedrl.envs.family", "fedrl.envs"),  # the registry above it
        ("fedrl.envs.family", "fedrl"),  # the public face of all
    ],
)
def test_an_import_that_points_elsewhere_would_be_noticed(importer, other):
    assert not allowed(importer, other)


def test_a_circle_through_the_face_of_a_package_would_be_noticed():
    graph = {"fedrl.a": ["fedrl.a.x"], "fedrl.a.x": ["fedrl.b"], "fedrl.b": ["fedrl.a.y"]}
    assert set(circle(graph)) == {"fedrl.a", "fedrl.a.x", "fedrl.b"}
    assert circle({"fedrl.a": ["fedrl.a.x"], "fedrl.a.x": ["fedrl.a.y"]}) == []


def test_no_folder_holds_more_files_than_a_person_reads():
    parts = (ROOT / part for part in (*ROOMS, "docs", "tests"))
    for folder in {path.parent for part in parts for path in part.rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= FILES_OF_A_FOLDER, folder


def test_a_folder_of_tests_has_the_name_of_a_folder_that_it_tests():
    for package in ROOMS:
        tested = {path.parent.name for path in (ROOT / package).rglob("*.py")}
        folders = [path for path in (ROOT / "tests" / package).iterdir() if any(path.glob("*.py"))]
        assert {path.name for path in folders} <= tested


def test_an_algorithm_imports_the_contract_and_no_other_algorithm():
    parts = ("algorithm", "actor_critic", "transport", "local_momentum", "estimators")
    contract = tuple(f"fedrl.algorithms.{part}" for part in parts)
    methods = {a: o for a, o in arrows().items() if a.startswith("fedrl.algorithms.methods.")}
    assert len(methods) > 20
    for name, others in methods.items():
        assert all(other.startswith(contract) for other in others), name


def test_only_one_file_knows_mujoco():
    assert users("mujoco") == {"envs/mujoco/simulator.py"}


def test_only_one_file_knows_ray():
    assert users("ray") == {"benchmark/execution/ray_executor.py"}


def test_only_tuning_and_sensitivity_know_optuna():
    assert {"benchmark/tuning/sampler.py", "benchmark/tuning/journal.py"} <= users("optuna")
    rooms = ("benchmark/tuning/", "benchmark/sensitivity/")
    assert all(name.startswith(rooms) for name in users("optuna"))


def test_reports_never_import_torch():
    assert users("torch")
    assert not [name for name in users("torch") if name.startswith("reports/")]


def test_what_decides_numbers_never_asks_which_algorithm_runs():
    from fedrl.algorithms import ALGORITHMS

    sources = [path.read_text("utf-8") for path in (ROOT / "benchmark/training").glob("*.py")]
    assert len(sources) > 10
    for source in sources:
        for name, kind in ALGORITHMS.items():
            assert f'"{name}"' not in source
            assert kind.__name__ not in source


def test_nobody_patches_what_is_private_to_a_file():
    """Whoever replaces a part relies on it: it is public. What belongs to others is theirs."""
    patch = re.compile(r"(?:monkeypatch\.setattr|patch\.object)\(\s*([\w.]+),\s*[\"']_[a-z]\w*")
    files = [path for package in (*ROOMS, "tests") for path in (ROOT / package).rglob("*.py")]
    found = [(path.name, name) for path in files for name in patch.findall(path.read_text("utf-8"))]
    assert [each for each in found if each[1] != "tempfile"] == []
