"""Pages of the Python reference: a page per module, a section per package."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = (  # of `benchmark`: what others write against, and what decides or keeps numbers
    *("cell", "study", "crossing", "selection", "noise", "conditions", "attacks", "disturbance"),
    *("federation", "rollout", "evaluate", "ledger", "record", "records", "store", "parameters"),
    *("checkpoint", "provenance", "merge", "replay", "batches", "workers", "executors"),
    *("ray_executor", "execution", "registry", "communication", "thresholds", "verification"),
    "published",
)
PACKAGES = {
    "envs": "Environment families: what agents live in.",
    "algorithms": "Algorithms, policies and estimators, written for one agent.",
    "benchmark": "Studies, runs, results: the modules that others write against, and those that "
    "decide or keep numbers; [](/generated/commands.md) is the other way in.",
    "benchmark.conformance": "The laws that `fedrl check` runs.",
    "benchmark.tuning": "Search spaces, trials, selection, and files of tuned values.",
    "benchmark.sensitivity": "Designs: their axes, the cells they become, importance.",
    "reports": "Statistics, tables and figures, made of one table of records.",
}


def pages() -> dict[str, str]:
    """Path below `generated` to text."""
    found = {"api/index.md": index()}
    for package, said in PACKAGES.items():
        names = modules(package)
        found[f"api/{package}.rst"] = package_page(package, said, names)
        found |= {f"api/{name}.rst": module_page(name) for name in names}
    return found


def modules(package: str) -> list[str]:
    """Dotted names of the documented modules of a package, by name."""
    folder = ROOT.joinpath(*package.split("."))
    found = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    kept = CONTRACT if package == "benchmark" else found
    return [f"{package}.{name}" for name in found if name in kept]


def index() -> str:
    """The packages."""
    lines = [f"- [`{name}`]({name}.rst): {said}" for name, said in PACKAGES.items()]
    tree = "\n".join(PACKAGES)
    return (
        "# Python reference\n\nWritten from the docstrings when this site is built.\n\n"
        + "\n".join(lines)
        + f"\n\n```{{toctree}}\n:hidden:\n{tree}\n```\n"
    )


def package_page(package: str, said: str, names: list[str]) -> str:
    """A table of modules with the first line of each docstring."""
    title = package
    text = said.replace("`", "``").replace(
        "[](/generated/commands.md)", ":doc:`the command line </generated/commands>`"
    )
    lines = [title, "=" * len(title), "", text, "", ".. list-table::", "   :widths: 30 70", ""]
    for name in names:
        lines += [f"   * - :py:mod:`{name}`", f"     - {_first(name)}"]
    lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names)]
    return "\n".join(lines) + "\n"


def module_page(name: str) -> str:
    """All of a module that has a docstring."""
    title = name
    options = ("members", "show-inheritance")
    return "\n".join(
        [
            title,
            "=" * len(title),
            "",
            f".. automodule:: {name}",
            *(f"   :{o}:" for o in options),
            "",
        ]
    )


def _first(name: str) -> str:
    """The first line of a module's docstring, escaped."""
    from making.docstrings import escaped

    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    return escaped((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0])
