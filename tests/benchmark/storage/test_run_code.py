"""Laws of the code in a run's key: what decides its numbers changes it, nothing else does."""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Mapping
from importlib import import_module
from itertools import count
from pathlib import Path

import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage.code_digest import SOURCES, Sources, places_of
from fedrl.benchmark.storage.run_code import (
    TRAINING,
    Code,
    changed,
    closures,
    code_of,
    digests,
    modules_of,
    suite_code,
    worded,
)
from fedrl.benchmark.storage.syntax import Module, parse
from fedrl.benchmark.training.federation import train
from fedrl.envs import FAMILIES
from places import ROOT

CARTPOLE, FEDPG = "fedrl.envs.control.cartpole", "fedrl.algorithms.methods.averaging.fedpg"
FACES = [
    path
    for room in ("algorithms", "envs", "benchmark/config", "benchmark/training")
    for path in sorted((ROOT / room).rglob("__init__.py"))
]


NUMBERS = count()


class Edited(Sources):
    """The sources of the suite with some files in place of its own, or added."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(places_of)
        self.files = files

    def below(self, package: str) -> list[str]:
        added = [name for name in self.files if name.startswith(f"{package}.")]
        return sorted({*super().below(package), *added})

    def _read(self, name: str) -> Module | None:
        if name not in self.files:
            return SOURCES.module(name)
        return parse(name, self.files[name].encode(), path_of(name).name == "__init__.py")


def path_of(name: str) -> Path:
    base = ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def source(name: str) -> str:
    return path_of(name).read_text(encoding="utf-8")


def code(files: Mapping[str, str], family: str = "cartpole", algorithm: str = "fedpg") -> Code:
    """The code of a run after these edits."""
    names = modules_of(FAMILIES[family]), modules_of(ALGORITHMS[algorithm])
    return digests(closures(*names, Edited(files)))


def edit(name: str, old: str, new: str) -> dict[str, str]:
    text = source(name)
    assert old in text
    return {name: text.replace(old, new, 1)}


def every_module() -> set[str]:
    """All modules in a closure of any run of the suite."""
    families = [name for entry in FAMILIES.values() for name in modules_of(entry)]
    algorithms = [name for entry in ALGORITHMS.values() for name in modules_of(entry)]
    return {name for part in closures(families, algorithms).values() for name in part}


class WithoutWords(ast.NodeTransformer):
    """Other docstrings; comments and layout go when the tree is written out."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        words = isinstance(node.value, ast.Constant)
        return ast.Expr(ast.Constant("other words")) if words else node


def test_docstrings_comments_layout_and_line_ends_do_not_count() -> None:
    for name in every_module():
        text, package = source(name), path_of(name).name == "__init__.py"
        digest = parse(name, text.encode(), package).digest
        for other in (
            ast.unparse(ast.fix_missing_locations(WithoutWords().visit(ast.parse(text)))),
            text.replace("\n", "  # why\r\n")
            if '"""\n' not in text
            else text.replace("\n", "\r\n"),
            "\ufeff" + text,
        ):
            assert parse(name, other.encode(), package).digest == digest, name


def test_every_expression_counts() -> None:
    """One number or name of every module, changed; those of words and classes alone have none."""
    silent = 0
    for name in sorted(every_module()):
        tree = ast.parse(source(name))
        nodes = [
            node
            for node in ast.walk(tree)
            if (isinstance(node, ast.Constant) and type(node.value) in (int, float, bool))
            or isinstance(node, ast.BinOp | ast.Compare | ast.arg | ast.Attribute)
        ]
        if not nodes:
            silent += 1
            continue
        chosen = random.Random(name).choice(nodes)
        if isinstance(chosen, ast.Constant):
            chosen.value = chosen.value + 1  # type: ignore[operator]
        elif isinstance(chosen, ast.BinOp):
            chosen.op = ast.Sub() if isinstance(chosen.op, ast.Add) else ast.Add()
        elif isinstance(chosen, ast.Compare):
            chosen.ops[0] = ast.Lt() if isinstance(chosen.ops[0], ast.Gt) else ast.Gt()
        elif isinstance(chosen, ast.arg):
            chosen.arg += "_"
        else:
            chosen.attr += "_"
        other = parse(name, ast.unparse(tree).encode(), package=False).digest
        assert other != parse(name, source(name).encode(), package=False).digest, name
    assert silent < 40


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = '1'", "x = 1"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = ..."),
        ("def f(a, b=1): return a", "def f(a, b=2): return a"),
        ("def f(a, b): return a", "def f(a, *, b): return a"),
        ("f(*a)", "f(a)"),
        ("{**a, 'b': 1}", "{'b': 1, **a}"),
        ("x = a < b < c", "x = (a < b) < c"),
        ("x = f'{a:.2f}'", "x = f'{a:.3f}'"),
        ("from a import b", "from a import b as c"),
        ("@f\ndef g(): pass", "def g(): pass"),
        ("if TYPE_CHECKING: x = 1\nelse: x = 2", "x = 2"),
    ],
)
def test_different_code_has_different_digests(one: str, two: str) -> None:
    assert parse("m", one.encode(), False).digest != parse("m", two.encode(), False).digest


def test_what_does_nothing_has_no_digest() -> None:
    empty = parse("m", b"", False).digest
    for text in (
        '"words"',
        "# why",
        "pass",
        "...",
        "if TYPE_CHECKING:\n    import fedrl.algorithms",
    ):
        module = parse("m", text.encode(), False)
        assert (module.digest, module.imports) == (empty, ())


def test_a_new_algorithm_or_family_changes_no_other_key() -> None:
    """The file and its line in the registry."""
    added = {
        "fedrl.algorithms.methods.averaging.mine": source(FEDPG),
        "fedrl.envs.control.mine": source(CARTPOLE),
        **edit(
            "fedrl.algorithms",
            "ALGORITHMS: dict[str, type[Algorithm]] = {\n",
            "from fedrl.algorithms.methods.averaging.mine import FedPG as Mine\n"
            'ALGORITHMS: dict[str, type[Algorithm]] = {\n    "mine": Mine,\n',
        ),
        **edit(
            "fedrl.envs",
            "FAMILIES: dict[str, type[Family]] = {\n",
            "from fedrl.envs.control.mine import CartPole as Mine\n"
            'FAMILIES: dict[str, type[Family]] = {\n    "mine": Mine,\n',
        ),
    }
    assert code(added) == code({})


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (edit(CARTPOLE, "9.8", "9.81"), "family changed"),
        (edit(FEDPG, "return ", "return 2 * "), "algorithm changed"),
        (
            edit("fedrl.algorithms.estimators.kernels", "ABREAST = 512", "ABREAST = 500"),
            "training changed",
        ),
        (edit("fedrl.benchmark.training.noise", "0xFF", "0xFE"), "training changed"),
        ({f"{TRAINING}.deep.inside": "x = 1"}, "training changed"),
        (edit("fedrl.benchmark.config.configuration", "0.01", "0.02"), "training changed"),
        (edit("fedrl.envs.finite.gridworld", "0.0", "0.5"), ""),
        (edit("fedrl.algorithms.methods.corrected.mfpo", "return ", "return 2 * "), ""),
        (edit("fedrl.benchmark.config.study", "True", "False"), ""),
        (edit("fedrl.benchmark.config.crossing", "if ", "if not "), ""),
        (edit("fedrl.envs.views.gym", "return ", "return 2 * "), ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_an_edit_changes_the_keys_of_its_closure_only(files: dict[str, str], parts: str) -> None:
    assert changed(code({}), code(files)) == parts


@pytest.mark.parametrize(
    "line",
    [
        "from fedrl.envs.nowhere import x",
        "from fedrl.envs import nowhere",
        "import fedrl.algorithms",
        "from fedrl import algorithms",
        "def f():\n    from fedrl.envs.finite.gone import x",
    ],
)
def test_what_cannot_be_followed_is_an_error(line: str) -> None:
    """A folder that moved cannot drop out of a digest in silence."""
    with pytest.raises(ImportError, match=rf"^{CARTPOLE}: "):
        code({CARTPOLE: f"{source(CARTPOLE)}\n{line}\n"})


def test_a_training_without_modules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="has no modules"):
        closures([], [], Sources(lambda top: [tmp_path]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("algorithm", ["fedpg", "mfpo", "qavg"])
def test_a_closure_holds_what_decides_and_nothing_that_shows(family: str, algorithm: str) -> None:
    entries = FAMILIES[family], ALGORITHMS[algorithm]
    parts = closures(*map(modules_of, entries))
    found = {name for part in parts.values() for name in part}
    needed = {
        *(entry.__module__ for entry in entries),
        *(f"fedrl.algorithms.estimators.{name}" for name in ("kernels", "gradients", "policy")),
        *SOURCES.below(TRAINING),
        *(f"fedrl.benchmark.config.{name}" for name in ("configuration", "conditions", "seeds")),
        *("fedrl.algorithms.algorithm", "fedrl.envs.family"),
    }
    assert needed <= found
    others = {entry.__module__ for entry in (*FAMILIES.values(), *ALGORITHMS.values())} - needed
    assert not found & others
    rooms = {".".join(name.split(".")[:3]) for name in found}
    assert rooms <= {
        *(f"fedrl.algorithms.{name}" for name in ("algorithm", "estimators", "local_momentum")),
        "fedrl.algorithms.methods",
        *("fedrl.benchmark.config", TRAINING, "fedrl.envs.family", "fedrl.envs.validation"),
        *("fedrl.envs.physical", "fedrl.envs.normal"),
        *("fedrl.envs.finite", FAMILIES[family].__module__.rpartition(".")[0]),
    }


def test_whatever_runs_in_a_run_is_in_its_code() -> None:
    config = Config(family="random-mdp", algorithm="fedsvrpg-m", agents=2, rounds=2, local_steps=2)
    run = Run(config, Seed("test", 0))
    train([run])  # compiles
    ran: set[str] = set()

    def note(frame, event, argument):  # type: ignore[no-untyped-def]
        ran.add(frame.f_globals.get("__name__", ""))

    sys.setprofile(note)
    try:
        train([run])
    finally:
        sys.setprofile(None)
    entries = type(config.build_family()), type(config.build_algorithm())
    found = {name for part in closures(*map(modules_of, entries)).values() for name in part}
    ours = {name for name in ran if name.startswith("fedrl.")}
    assert len(ours) > 10
    assert ours <= found


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_face_decides_nothing(path: Path) -> None:
    """It hands names on and lists entries; views may be registered, which training never reads."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr):
            assert not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            assert isinstance(node.value, ast.Dict | ast.List)
            entries = node.value.values if isinstance(node.value, ast.Dict) else node.value.elts
            assert all(isinstance(entry, ast.Name | ast.Constant) for entry in entries)
        else:
            assert isinstance(node, ast.For)
            assert [ast.unparse(call.value.func) for call in node.body] == ["gymnasium.register"]  # type: ignore[attr-defined]


# --- other packages -------------------------------------------------------------------------------


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """A package with an algorithm, and a module beside it; their names are used once."""
    top = f"worked_on_{abs(hash(request.node.name))}"
    folder = tmp_path / top
    folder.mkdir()
    (folder / "__init__.py").write_text("from .core import Mine\n")
    (folder / "constants.py").write_text("SCALE = 2\n")
    (folder / "core.py").write_text(
        "import numpy\n"
        f"from {top}_beside import factor\n"
        "from fedrl.algorithms import ALGORITHMS\n"
        "from fedrl.algorithms.methods.averaging.fedpg import FedPG\n"
        "from . import constants\n"
        "class Mine(FedPG):\n"
        "    scale = constants.SCALE * factor\n"
    )
    (tmp_path / f"{top}_beside.py").write_text("factor = 3  # why\n")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def foreign(package: Path) -> dict[str, str]:
    mine = import_module(package.name).Mine
    return closures([], modules_of(mine), Sources(places_of))["algorithm"]


def test_code_of_another_package_is_followed(package: Path) -> None:
    top, before = package.name, foreign(package)
    ours = {FEDPG}
    assert set(before) == ours | {top, f"{top}.core", f"{top}.constants", f"{top}_beside"}
    (package.parent / f"{top}_beside.py").write_text('"""Words."""\nfactor = 3\n')
    assert foreign(package) == before
    for file, name in (
        (package.parent / f"{top}_beside.py", f"{top}_beside"),
        (package / "constants.py", f"{top}.constants"),
    ):
        file.write_text(file.read_text().replace("= ", "= 10 + "))
        after = foreign(package)
        assert [each for each in before if before[each] != after[each]] == [name]
        before = after


def test_a_package_that_imports_a_face_as_a_whole_has_all_it_hands_on(package: Path) -> None:
    (package / "core.py").write_text("import fedrl.algorithms as a\nclass Mine: pass\n")
    assert {entry.__module__ for entry in ALGORITHMS.values()} <= set(foreign(package))


def test_a_source_that_does_not_exist_counts_by_version_only(package: Path) -> None:
    """Compiled modules."""
    (package / "core.py").write_text("from ._compiled import f\nclass Mine: pass\n")
    top = package.name
    found = Sources(places_of).closure([f"{top}.core", f"{top}._compiled"], lambda name: True)
    assert set(found) == {top, f"{top}.core"}


# --- in words -------------------------------------------------------------------------------------


def test_what_changed_is_told_in_words() -> None:
    now = {"training": "a" * 32, "family": "b" * 32, "algorithm": "c" * 32}
    assert changed(now, now) == ""
    assert changed(now | {"training": "", "family": ""}, now) == "training and family changed"
    assert changed(now, now | {"packages": ["box2d==2.4"]}) == "packages changed"
    assert changed({}, now) == "code was not recorded"
    assert changed("0123456789abcdef", now) == "all code had one digest then"
    assert worded("0123456789abcdef") == "0123456789ab"
    assert worded({"training": "a" * 32, "packages": ["x==1", "y==2"]}) == (
        "training aaaaaaaaaaaa, packages x==1 y==2"
    )


def test_the_code_of_the_suite_is_that_of_all_its_entries() -> None:
    every = suite_code(FAMILIES.values(), ALGORITHMS.values())
    one = code_of(FAMILIES["cartpole"], ALGORITHMS["fedpg"])
    assert changed(every, one) == "family and algorithm changed"
