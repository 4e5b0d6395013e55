"""A study file for a new algorithm against known ones, which tuning, runs and report all take."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from fedrl.benchmark.config import registry, toml_text
from fedrl.benchmark.config.configuration import suits
from fedrl.benchmark.config.settings import SettingError, check_known
from fedrl.benchmark.config.storable import unstorable
from fedrl.benchmark.config.study_file import built_in, read_table

MODELS = ("paper_tuned", "quick")  # whose settings of a family are looked at first
KEPT = ("kappa", "horizon", "discount", "hidden", "budget", "evaluate_every", "vary_goal")
HEAD = """\
# One file for everything:
#   fedrl tune {file} && fedrl run {file} && fedrl report {file}
# Nothing that is tuned is set here by hand: step_size and the algorithms' own hyperparameters
# come from the files that `fedrl tune` writes, and runs have seeds that tuning never saw.
title = "{title}"
seeds = 10

[settings]
agents = 5
rounds = 20_000              # more than any budget allows
episodes = 1
local_steps = 5
hyperparameters = "tuned"

[tuning]
trials = 16                  # per hyperparameter, of every algorithm alike
"""


def compose(file: str, algorithm: str, against: Sequence[str], families: Sequence[str]) -> str:
    """The text of the file; SettingError, with the nearest name, for what is not known."""
    if reason := unstorable(Path(file).stem):
        raise SettingError(f"{file}: the name of a study {reason}")
    own = _name_of(algorithm)
    for kind, names, known in (
        ("algorithm", against, registry.algorithms()),
        ("family", families, registry.families()),
    ):
        check_known(kind, names, known)
    rivals = [name for name in dict.fromkeys(against) if name != own]
    if not rivals or not families:
        raise SettingError("give at least one other algorithm in --against, and one family")
    for family in families:
        for name in (own, *rivals):
            if not suits(registry.algorithms()[name], registry.families()[family]):
                raise SettingError(
                    f"{name} needs a finite MDP, and {family} is none: leave one of them out"
                )
    title = f"{own} against {', '.join(rivals)}"
    parts = [HEAD.format(file=file, title=title)]
    for family in dict.fromkeys(families):
        settings = _usual(family)
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
        parts.append("\n".join([f"[families.{toml_text.key(family)}]", *lines]) + "\n")
    parts.append("\n".join(f"[algorithms.{toml_text.key(name)}]" for name in (own, *rivals)) + "\n")
    return "\n".join(parts)


def _name_of(algorithm: str) -> str:
    """The registered name; of a class given as module:Class that of its entry point."""
    if ":" not in algorithm:
        check_known("algorithm", [algorithm], registry.algorithms())
        return algorithm
    names = [p.name for p in entry_points(group="fedrl.algorithms") if p.value == algorithm]
    if not names:
        raise SettingError(
            f"{algorithm} has no name yet: a study names algorithms, so that every process finds "
            'them. Add [project.entry-points."fedrl.algorithms"] with mine = '
            f'"{algorithm}" to its pyproject.toml and install it: pip install --no-deps -e .'
        )
    return names[0]


def _usual(family: str) -> dict[str, Any]:
    """How the studies that come along set a family; a plain beginning where none does."""
    others = [name for name in built_in() if name not in MODELS]
    for name in (*MODELS, *others):
        own = read_table(name).get("families", {}).get(family)
        if own and "budget" in own:
            kept = {key: own[key] for key in KEPT if key in own}
            levels = kept.get("kappa", 0.0)
            if isinstance(levels, list):  # to begin with, the least and the most heterogeneous
                kept["kappa"] = list(dict.fromkeys((min(levels), max(levels))))
            return kept
    return {"kappa": [0.0, 0.5], "budget": 50_000, "evaluate_every": 5}


def _toml(value: Any) -> str:
    return f"{value:_}" if type(value) is int else toml_text.value(value)
