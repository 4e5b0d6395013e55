"""The identity of a tuning: its values are refused for any other configuration."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.tuned.task_digest import digest_of

# How long and how often is looked at: tuned values may be used with another budget.
FREE = ("rounds", "budget", "evaluate_every", "evaluation_episodes", "evaluation_gradients")
APART = ("family", "algorithm", "options", "hyperparameters", "kappa", "agents")


def settings_of(config: Config, names: Sequence[str]) -> dict[str, Any]:
    """Settings other than defaults, without the tuned `names`, as plain TOML values."""
    outer = config.model_dump(mode="json", exclude_defaults=True, exclude={*FREE, *APART})
    inner = config.hyperparameters
    both = {**outer, **inner}
    return {n: plain(v) for n, v in sorted(both.items()) if n not in names}


def options_of(config: Config) -> dict[str, Any]:
    """Options of the family, as plain TOML values."""
    return {name: plain(value) for name, value in sorted(config.options.items())}


def problem_of(config: Config) -> str:
    """Digest of the family's knobs and of the MDPs that the first tune seed draws."""
    family = config.build_family()
    task = family.sample(config.agents, config.kappa, Seed("tune", 0).generator("environment"))
    knobs = [(name, *knob) for name, knob in sorted(family.knobs.items())]
    return hashlib.blake2b(f"{knobs!r} {digest_of(task)}".encode(), digest_size=8).hexdigest()


def release() -> str:
    """Version of this package, as it is installed."""
    try:
        return version("fedrl")
    except PackageNotFoundError:
        return "unknown"


def plain(value: Any) -> Any:
    """As it is written in TOML and read back: tuples as lists, nothing as "none"."""
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return "none" if value is None else value
