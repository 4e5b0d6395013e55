"""Names that commands take, found without importing what they name: a slip is told at once."""

from collections.abc import Callable
from functools import cache, wraps
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from typing import Any

from typer.exceptions import TyperException

from fedrl.benchmark.cli.codes import USER_ERROR
from fedrl.benchmark.cli.names import PACKAGES, names
from fedrl.benchmark.cli.options import (
    AlgorithmOption,
    FamilyName,
    FamilyOption,
    StudyName,
    StudyOrNone,
)
from fedrl.benchmark.cli.streams import NOTICE


class UnknownName(TyperException):
    """One line that says the nearest name."""

    exit_code = USER_ERROR


def checked(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, which looks at the names it is given before it imports anything."""
    kinds = {
        parameter.name: check
        for parameter in signature(command).parameters.values()
        for annotation, check in CHECKS
        if parameter.annotation == annotation
    }

    @wraps(command)
    def with_known_names(**given: Any) -> Any:
        for name, check in kinds.items():
            if given[name] is not None:
                check(given[name])
        NOTICE.show("fedrl: starting")
        return command(**given)

    return with_known_names


def check_study(name: str) -> None:
    """Refuse a name that neither a built-in study nor a file has."""
    path = Path(name)
    if name not in names("study") and path.suffix != ".toml" and not path.exists():
        message = nearest("study", name, names("study"))
        raise UnknownName(f"{message}. A study of your own is given as a path to a .toml file")


def check_family(name: str) -> None:
    """Refuse a name of no family; a path package:Class is looked at later."""
    _check("family", name)


def check_algorithm(name: str) -> None:
    """Refuse a name of no algorithm."""
    _check("algorithm", name)


CHECKS: tuple[tuple[Any, Callable[[str], None]], ...] = (
    (StudyName, check_study),
    (StudyOrNone, check_study),
    (FamilyName, check_family),
    (FamilyOption, check_family),
    (AlgorithmOption, check_algorithm),
)


def _check(kind: str, name: str) -> None:
    if ":" not in name and name.partition("@")[0] not in (known := names(kind)):
        raise UnknownName(nearest(kind, name, known))


def nearest(*arguments: Any) -> str:
    """`fedrl.envs.validation.nearest`, without the families that importing `fedrl.envs` imports."""
    return str(_validation().nearest(*arguments))


@cache
def _validation() -> Any:
    spec = spec_from_file_location("fedrl_validation", PACKAGES / "envs" / "validation.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
