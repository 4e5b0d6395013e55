"""Digests of code: of some modules and of all that they import, at any depth.

Imports are found by walking syntax trees; nothing is imported for it. The `__init__.py` of a
package of this suite hands names on and lists entries: it decides nothing and is not digested, and
a name that it hands on is followed to the module that defines it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fedrl.benchmark.storage.syntax import Import, Module, parse

SUITE = __name__.split(".")[0]
Closure = dict[str, str]  # module -> digest of its syntax tree


def _no(top: str) -> bool:
    return False


class Sources:
    """Modules as files, each parsed once. `places`: folders of a top-level package, or its file."""

    def __init__(self, places: Callable[[str], Iterable[Path]]) -> None:
        self._places = places
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module of that name, None where there is no source of it."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def below(self, package: str) -> list[str]:
        """Names of all modules in the folder of a package, at any depth, without faces."""
        top, *inner = package.split(".")
        return sorted(
            ".".join([package, *path.relative_to(folder).with_suffix("").parts])
            for folder in (place.joinpath(*inner) for place in self._places(top))
            for path in folder.rglob("*.py")
            if path.name != "__init__.py"
        )

    def closure(self, roots: Iterable[str], followed: Callable[[str], bool] = _no) -> Closure:
        """The modules `roots` and what they import, at any depth.

        Of other packages, modules whose top-level name is `followed` are part of it as far as there
        is a source of them. ImportError if the source of a module of this suite is not found.
        """
        waiting, found = list(roots), Closure()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            module = self.module(name)
            if module is not None:
                found[name] = module.digest
                for one in module.imports:
                    waiting += self._targets(one, module, followed)
            elif is_ours(name):
                raise ImportError(f"no source of the module {name} is found")
        return found

    def _targets(
        self, one: Import, importer: Module, followed: Callable[[str], bool]
    ) -> Iterable[str]:
        """Modules that an import statement adds to a closure."""
        if is_ours(one.module):
            try:
                return list(self._defining(one))
            except ImportError as error:
                if is_ours(importer.name):
                    raise ImportError(f"{importer.name}: {error}") from None
                face = self.module(one.module)  # another package may import it as a whole
                handed_on = face.handed_on.values() if face else ()
                return [name for each in handed_on for name in self._targets(each, importer, _no)]
        if is_ours(importer.name) or not followed(one.module.split(".")[0]):
            return ()
        parts = [*one.module.split("."), *([one.name] if one.name else [])]
        names = (".".join(parts[: count + 1]) for count in range(len(parts)))
        return [name for name in names if self.module(name) is not None]

    def _defining(self, one: Import) -> Iterator[str]:
        """The module of this suite that defines what is imported; none for a literal registry."""
        module = self.module(one.module)
        if module is None:
            raise ImportError(f"no source of the module {one.module} is found")
        if not module.package:
            yield one.module
        elif one.name is None:
            raise ImportError(f"{one.module} is imported as a whole; import names from it")
        elif one.name in module.handed_on:
            origin = module.handed_on[one.name]
            yield from self._defining(origin) if is_ours(origin.module) else ()
        elif one.name in module.bound:
            return
        elif self.module(f"{one.module}.{one.name}") is not None:
            yield from self._defining(Import(f"{one.module}.{one.name}", None))
        else:
            raise ImportError(f"{one.module} has no {one.name}")

    def _read(self, name: str) -> Module | None:
        top, *inner = name.split(".")
        for place in self._places(top):
            base = place.joinpath(*inner)
            file = base.with_name(f"{base.name}.py") if inner else base
            for path in (base / "__init__.py", file):
                if path.suffix == ".py" and path.is_file():
                    return parse(name, path.read_bytes(), path.name == "__init__.py")
        return None


@cache
def places_of(top: str) -> tuple[Path, ...]:
    """Folders of an installed top-level package, or the file of a single module."""
    module = sys.modules.get(top)
    if module is None:
        spec = find_spec(top)
        folders, file = (spec.submodule_search_locations, spec.origin) if spec else (None, None)
    else:
        folders, file = getattr(module, "__path__", None), getattr(module, "__file__", None)
    return tuple(map(Path, folders or ([file] if file else [])))


def is_ours(name: str) -> bool:
    """Whether a module belongs to this suite."""
    return name.split(".")[0] == SUITE


SOURCES = Sources(places_of)
