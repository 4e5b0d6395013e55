"""The house rules that imports can show."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from places import ROOT

OURS = {"algorithms", "benchmark", "envs", "reports"}
MAY_IMPORT = {
    "algorithms": set(),
    "envs": set(),
    "reports": set(),
    "benchmark": {"algorithms", "envs", "reports"},
}
FILES = sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names of all modules a file imports, at any depth of nesting."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_import_downwards_only(path):
    package = path.relative_to(ROOT).parts[0]
    assert top(imported(path)) & OURS <= MAY_IMPORT[package] | {package}


def test_only_one_file_knows_mujoco():
    known = {path.relative_to(ROOT).as_posix() for path in FILES if "mujoco" in top(imported(path))}
    assert known == {"envs/mujoco/simulator.py"}


def test_only_one_file_knows_ray():
    known = {path.relative_to(ROOT).as_posix() for path in FILES if "ray" in top(imported(path))}
    assert known == {"benchmark/execution/ray_executor.py"}


def test_only_tuning_and_sensitivity_know_optuna():
    known = {path.relative_to(ROOT).as_posix() for path in FILES if "optuna" in top(imported(path))}
    assert {"benchmark/tuning/sampler.py", "benchmark/tuning/journal.py"} <= known
    assert all(name.startswith(("benchmark/tuning/", "benchmark/sensitivity/")) for name in known)


def test_reports_never_import_torch():
    assert not [p for p in FILES if p.parts[-2] == "reports" and "torch" in top(imported(p))]


def test_an_algorithms_file_imports_the_contract_and_no_sibling():
    contract = {"algorithm", "gradients", "trajectory"}
    inner = contract | {"policy", "kernels", "__init__"}
    contract |= {"exact"}  # what model-based algorithms get in the place of gradients
    inner |= {"baseline", "exact", "dynamics", "linear", "tables", "tabular"}
    inner |= {
        "table",
        "network",
        "categorical",
        "gaussian",
        "coefficients",
        "lifting",
    }  # parts of the kernels
    for path in (ROOT / "algorithms").glob("*.py"):
        if path.stem not in inner:
            modules = {n.split(".")[1] for n in imported(path) if n.startswith("algorithms.")}
            assert modules <= contract, path


def test_the_federated_loop_never_asks_which_algorithm_runs():
    source = (ROOT / "benchmark" / "federation.py").read_text()
    from fedrl.algorithms import ALGORITHMS

    for name, kind in ALGORITHMS.items():
        assert f'"{name}"' not in source
        assert kind.__name__ not in source
