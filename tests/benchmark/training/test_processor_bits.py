"""A run has the same parameters on every processor with AVX2 and fused multiply-adds.

So are scores, but for exact ones of finite MDPs, whose last digits may differ.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numba
import pytest
from older_processor import plainer_processor, printed

import fedrl.algorithms
import fedrl.benchmark.training

PROGRAM = """
import hashlib
import numpy as np
from fedrl.algorithms.estimators import lifting
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.messages.attacks import normal
from fedrl.benchmark.training.rollout import Stream

WIDE = {"hidden": (64, 64), "options": {"horizon": 100}}
ACTOR_CRITIC = {"local_steps": 1, "segment": 256, "normalise": "pooled", "initial_log_std": 0.0}
CONFIGS = [
    ("gridworld", "fedsvrpg-m", {}),
    ("cartpole", "fedhapg-m", {"hidden": (8, 8)}),
    ("halfcheetah", "fedpg", WIDE),
    ("halfcheetah", "fedppo", WIDE | ACTOR_CRITIC),
    ("random-mdp", "fedpg", {"privacy": {"clip": 1.0, "noise": 2.0}}),
    ("random-mdp", "fedpg", {"attack": {"kind": "alie", "agents": 1}}),
    ("random-mdp", "afedpg", {"clock": {"pace": "pareto", "index": 1.2}, "rounds": 30}),
    ("random-mdp", "agnostic-pg", {"server_optimiser": {"kind": "adam"}}),
    ("random-mdp", "fedtrpo", {"dtype": "float32"}),
]
for family, algorithm, changes in CONFIGS:
    settings = {"agents": 3, "rounds": 3, "kappa": 0.5, "step_size": 1e-3} | changes
    config = Config(family=family, algorithm=algorithm, **settings)
    with one_thread():
        (found,) = train([Run(config, Seed("test", 0))])
    bits = [found.parameters]
    if family in ("cartpole", "halfcheetah"):
        bits += [found.columns[name] for name in ("return", "objective", "return_worst")]
    print(family, hashlib.sha256(b"".join(part.tobytes() for part in bits)).hexdigest())

stream = Stream(np.arange(50, dtype=np.uint64), np.zeros(50, np.int64), 0)
double = stream.uniform(1000) + 0.5
found = [normal(stream, 1000)]
for x in (double, double.astype(np.float32)):
    found += [lifting.exponential(x), lifting.logarithm(x), lifting.power(x, -0.3)]
    found.append(lifting.root(x))
for numbers in found:
    print(hashlib.sha256(numbers.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def here() -> str:
    return printed(PROGRAM, {})


def test_training_leaves_no_product_to_a_library() -> None:
    """Whose order of sums depends on the processor: one with AVX-512 fuses what others round."""
    products = {"dot", "vdot", "inner", "matmul", "einsum", "tensordot", "linalg"}
    for path in Path(fedrl.benchmark.training.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.MatMult), path
            assert getattr(node, "attr", "") not in products, f"{path}:{node.lineno}"


def test_training_leaves_no_elementary_function_to_a_library() -> None:
    """NumPy's and torch's depend on the processor's vectors; NumPy's roots alone are exact.

    Diagnostics and exact scores may: of them nothing is promised.
    """
    functions = {
        "exp",
        "log",
        "log1p",
        "expm1",
        "sin",
        "cos",
        "tan",
        "tanh",
        "pow",
        "power",
        "sqrt",
    }
    free, root = {"diagnostics.py", "evaluate.py"}, Path(fedrl.benchmark.training.__file__).parent
    methods = Path(fedrl.algorithms.__file__).parent
    paths = [*root.rglob("*.py"), *methods.glob("*.py"), *(methods / "methods").rglob("*.py")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in functions and path.name not in free:
                allowed = ("math", "np") if node.attr == "sqrt" else ("math",)
                assert getattr(node.value, "id", "") in allowed, f"{path}:{node.lineno}"


@pytest.mark.long
def test_libraries_may_choose_other_instructions(here: str) -> None:
    assert printed(PROGRAM, plainer_processor()) == here


@pytest.mark.long
def test_memory_may_hold_anything(here: str) -> None:
    """glibc fills what is allocated and what is freed: nothing is read before or after its time."""
    assert printed(PROGRAM, {"MALLOC_PERTURB_": "165"}) == here


@pytest.mark.long
@pytest.mark.skipif(numba.config.CPU_NAME is not None, reason="numba compiles for another one")
def test_compiled_code_may_be_for_another_processor(here: str, tmp_path: object) -> None:
    compiled = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}
    places = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert printed(PROGRAM, plainer_processor() | compiled | places) == here
