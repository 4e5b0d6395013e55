"""The code that decides a run's numbers, in three parts: training, its family, its algorithm.

Each part is the digest of an import closure. A family or an algorithm of another package is
followed within that package and into whatever it imports that is worked on: editable packages and
files beside a script. What is installed beside it counts by its version, as does what has no
source to read.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import distribution, packages_distributions
from typing import Any

from fedrl.benchmark.storage.code_digest import SOURCES, Closure, Sources, is_ours

TRAINING = "fedrl.benchmark.training"
VERSIONED = ("numpy", "torch", "numba", "gymnasium", "mujoco")  # part of every key by version
Code = dict[str, Any]  # part -> digest, and `packages`: versions of what else a family uses


@cache
def code_of(family: type, algorithm: type, modules: tuple[str, ...] = ()) -> Code:
    """The digest of each part; `modules` are others that the family is made of."""
    return digests(closures([*modules_of(family), *modules], modules_of(algorithm)))


def suite_code(families: Iterable[type], algorithms: Iterable[type]) -> Code:
    """The same of several families and algorithms at once."""
    family, algorithm = (
        [name for entry in kind for name in modules_of(entry)] for kind in (families, algorithms)
    )
    return digests(closures(family, algorithm))


def closures(
    family: Iterable[str], algorithm: Iterable[str], sources: Sources = SOURCES
) -> dict[str, Closure]:
    """The modules of each part; what a part shares with training is only there."""
    training = sources.closure(sources.below(TRAINING))
    if not training:
        raise ImportError(f"{TRAINING} has no modules")
    parts = {"training": training}
    for part, names in (("family", list(family)), ("algorithm", list(algorithm))):
        tops = {name.split(".")[0] for name in names if not is_ours(name)}
        own = {top for top in tops if not _counts_by_version(top)}
        roots = [name for name in names if is_ours(name) or name.split(".")[0] in own]
        found = sources.closure(roots, lambda top, own=own: top in own or _worked_on(top))  # type: ignore[misc]
        parts[part] = {name: digest for name, digest in found.items() if name not in training}
    return parts


def digests(parts: Mapping[str, Closure]) -> Code:
    """One digest for each closure."""
    found = {}
    for part, closure in parts.items():
        text = "".join(f"{name} {digest}\n" for name, digest in sorted(closure.items()))
        found[part] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return found


def changed(then: Any, now: Code) -> str:
    """Describe how the code differs from the recorded one; empty if it is the same.

    >>> changed({"training": "a", "family": "b"}, {"training": "a", "family": "c"})
    'family changed'
    """
    if not then:
        return "code was not recorded"
    if not isinstance(then, Mapping):
        return "all code had one digest then"
    parts = [part for part in dict.fromkeys([*now, *then]) if then.get(part) != now.get(part)]
    return f"{' and '.join(parts)} changed" if parts else ""


def worded(code: Any) -> str:
    """The beginnings of the digests, by part; of code up to 0.1.0 there is one."""
    if not isinstance(code, Mapping):
        return str(code)[:12]
    return ", ".join(f"{part} {_short(digest)}" for part, digest in code.items())


def modules_of(entry: type) -> list[str]:
    """Where a class and its bases are defined."""
    return [base.__module__ for base in entry.__mro__]


@cache
def _counts_by_version(top: str) -> bool:
    """Whether no digest is taken of a top-level name: the standard library and `VERSIONED`."""
    return top in sys.stdlib_module_names or not _owners(top).isdisjoint(VERSIONED)


@cache
def _worked_on(top: str) -> bool:
    """Whether a top-level name is no installed copy: nobody's, or of an editable distribution."""
    return not _counts_by_version(top) and all(map(_editable, _owners(top)))


def _editable(name: str) -> bool:
    origin = json.loads(distribution(name).read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _owners(top: str) -> frozenset[str]:
    return frozenset(_distributions().get(top, ()))


_distributions = cache(packages_distributions)


def _short(digest: Any) -> str:
    return digest[:12] if isinstance(digest, str) else " ".join(digest)
