"""Names that commands take, found without importing what they name: a slip is told at once."""

import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from runpy import run_path
from typing import Any, NamedTuple, get_type_hints

from typer.exceptions import TyperException

from fedrl.benchmark.cli.codes import USER_ERROR
from fedrl.benchmark.cli.names import (
    PACKAGES,
    between_commas,
    entry_points,
    fields,
    names,
    settings,
    told,
)
from fedrl.benchmark.cli.streams import NOTICE


class UnknownName(TyperException):
    """One line that says the nearest name."""

    exit_code = USER_ERROR


class Known(NamedTuple):
    """Stands among the annotations of a parameter: refuses each word that is given for it."""

    check: Callable[..., None]
    beside: tuple[str, ...] = ()  # other parameters of the command whose values it needs


def checked(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, which looks at the names it is given before it imports anything."""
    hints = get_type_hints(command, include_extras=True)
    checks = {
        name: known
        for name, hint in hints.items()
        for known in getattr(hint, "__metadata__", ())
        if isinstance(known, Known)
    }

    @wraps(command)
    def with_known_names(**given: Any) -> Any:
        for name, known in checks.items():
            words = given[name] if isinstance(given[name], list | tuple) else [given[name]]
            beside = [given[other] for other in known.beside]
            for word in words:
                if word is not None:
                    known.check(word, *beside)
        NOTICE.show("fedrl: starting")
        return command(**given)

    return with_known_names


def check_study(name: str) -> None:
    """Refuse a name that neither a built-in study nor a file has."""
    path = Path(name)
    if name not in names("study") and path.suffix != ".toml" and not path.exists():
        message = nearest("study", name, names("study"))
        raise UnknownName(f"{message}. A study of your own is given as a path to a .toml file")


def check_override(change: str) -> None:
    """Refuse a --set of no key, family, algorithm or setting; values are read later."""
    keys = [key.strip() for key in change.partition("=")[0].split(".")]
    (key, *below), declared = keys, study_keys()
    if key not in declared and key not in fields("benchmark/config/configuration.py", "Config"):
        raise UnknownName(f"--set {change}: {nearest('key of a study', key, declared)}")
    for kind, table in (("family", "families"), ("algorithm", "algorithms")):
        if key == table and below:
            _check(kind, below[0], names(kind))
            below = below[1:]
    if key in ("settings", "families", "algorithms") and below[:1] not in ([], ["algorithms"]):
        _check_setting("setting", below[0], f"--set {change}", ("hyperparameters",))


def _check_setting(kind: str, name: str, told: str, also: tuple[str, ...]) -> None:
    """Refuse a word that is nobody's setting; those of other packages are not known here."""
    own, words = settings()
    if not name or name in words or name in also:
        return
    if not any(entry_points(group=f"fedrl.{which}") for which in ("families", "algorithms")):
        raise UnknownName(f"{told}: {nearest(kind, name, [*also, *own])}")


def study_keys() -> list[str]:
    """Keys that a study's file may have."""
    declared = fields("benchmark/config/study.py", "Study")
    return [name for name in declared if name not in ("model_config", "name", "only")]


def check_condition(condition: str, study: str | None, overrides: list[str] | None) -> None:
    """Refuse an --only of no field, or of a family or algorithm that the study has not."""
    field, _, text = (part.strip() for part in condition.partition("="))
    table = {"family": "families", "algorithm": "algorithms"}.get(field)
    known = list(told(study).get(table, ())) if study and table else []
    _check_setting("field", field, f"--only {condition}", ("seed",))
    if not known or any(change.startswith(f"{table}.") for change in overrides or ()):
        return
    for value in between_commas(text):
        if value not in known:
            raise UnknownName(f"--only {condition}: {nearest(f'run with {field}', value, known)}")


def check_run(name: str, results: Path, study: str | None = None) -> None:
    """Refuse a name of no stored run."""
    from fedrl.benchmark.storage.files import StoreError
    from fedrl.benchmark.storage.run_names import path_of

    try:
        path_of(name, results, study)
    except StoreError as error:
        raise UnknownName(str(error)) from None


def check_results(folder: Path) -> None:
    """Refuse a folder of results that is not there, and tell the nearest name beside it."""
    if not folder.exists():
        raise UnknownName(
            f"no results in {folder}{_near(folder)}; it must be a folder of results, as given to "
            "--results"
        )


def of(*kinds: str) -> Callable[[str], None]:
    """The check that refuses names of no such kind; a path package:Class is looked at later."""

    def check(name: str) -> None:
        _check(" or ".join(kinds), name, [one for kind in reversed(kinds) for one in names(kind)])

    return check


def check_published(name: str) -> None:
    """Refuse a name that neither a published study nor a folder has."""
    known = names("published study")
    if name not in known and not Path(name).exists():
        message = nearest("published study", name, known)
        raise UnknownName(f"{message}; or name its folder")


def check_claim(name: str) -> None:
    """Refuse a name of no claim, nor of a study with claims; another package may add some."""
    path = Path(name)
    if path.is_dir() or path.suffix == ".toml" or entry_points(group="fedrl.claims"):
        return
    found: dict[str, None] = {}
    for file in sorted((PACKAGES / "benchmark" / "claims").glob("*.toml")):
        told = tomllib.loads(file.read_text("utf-8"))["claims"]
        found |= dict.fromkeys([*(own["study"] for own in told.values()), *told])
    if name not in found:
        raise UnknownName(f"{nearest('study or claim', name, found)}; or a .toml file")


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not there, and tell the nearest name beside it."""
    if not folder.exists():
        raise UnknownName(f"there is no folder {folder}{_near(folder)}")


def _near(folder: Path) -> str:
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    near = get_close_matches(folder.name, sorted(path.name for path in beside), n=1)
    return f"; did you mean {folder.with_name(near[0])}?" if near else ""


def check_file(path: Path) -> None:
    """Refuse a file that is not there."""
    if not path.exists():
        raise UnknownName(f"cannot read {path}: No such file or directory")


def each(check: Callable[[str], None]) -> Callable[[str], None]:
    """The check of every name between commas."""

    def check_each(text: str) -> None:
        for name in between_commas(text):
            check(name)

    return check_each


def _check(kind: str, name: str, known: list[str]) -> None:
    if ":" not in name and name.partition("@")[0] not in known:
        raise UnknownName(nearest(kind, name, known))


def nearest(*arguments: Any) -> str:
    """`fedrl.envs.validation.nearest`, without the families that importing `fedrl.envs` imports."""
    return str(run_path(str(PACKAGES / "envs" / "validation.py"))["nearest"](*arguments))
