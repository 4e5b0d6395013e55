"""Names of studies, families and algorithms, read from files: nothing is imported for them."""

import ast
from importlib.metadata import entry_points
from pathlib import Path

PACKAGES = Path(__file__).parents[2]
REGISTRIES = {  # kind: package, name of its literal dict, group of entry points
    "family": ("envs", "FAMILIES", "fedrl.families"),
    "algorithm": ("algorithms", "ALGORITHMS", "fedrl.algorithms"),
}


def names(kind: str) -> list[str]:
    """Every known name, built-in ones first."""
    if kind == "study":
        return sorted(path.stem for path in (PACKAGES / "benchmark" / "studies").glob("*.toml"))
    if kind == "published study":
        found = (PACKAGES / "reports" / "published").glob("*/provenance.json")
        return sorted(path.parent.name for path in found)
    package, registry, group = REGISTRIES[kind]
    tree = ast.parse((PACKAGES / package / "__init__.py").read_text("utf-8"))
    literal = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == registry
    )
    assert isinstance(literal, ast.Dict)
    keys = [ast.literal_eval(key) for key in literal.keys if key is not None]
    return keys + [point.name for point in entry_points(group=group)]
