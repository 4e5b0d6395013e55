"""Which claims there are: of the suite, of other packages, of a file or folder."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from fedrl.benchmark.claims.claim import Claim, ClaimError, read
from fedrl.envs.validation import nearest

GROUP = "fedrl.claims"  # entry points: a folder of TOML files, its path or a function that gives it


def known() -> list[Claim]:
    """All claims of the suite, then those of installed packages."""
    found = folder(Path(str(files("fedrl.benchmark").joinpath("claims"))))
    for point in entry_points(group=GROUP):
        try:
            place = point.load()
            found += folder(Path(place() if callable(place) else place))
        except (ImportError, AttributeError, TypeError) as error:
            raise ClaimError(f"entry point {point.name!r} of {GROUP}: {error}") from None
    return _distinct(found)


def folder(place: Path) -> list[Claim]:
    """The claims of every TOML file of a folder: the paper with most of them first."""
    found = sorted(map(read, sorted(place.glob("*.toml"))), key=len, reverse=True)
    return [claim for claims in found for claim in claims]


def chosen(words: Sequence[str]) -> list[Claim]:
    """The claims of files, folders, studies and names; all where nothing is asked for."""
    if not words:
        return known()
    found: list[Claim] = []
    for word in words:
        path = Path(word)
        if path.is_dir() or path.suffix == ".toml":
            found += folder(path) if path.is_dir() else read(path)
            continue
        every = known()
        own = [claim for claim in every if word in (claim.study, claim.name)]
        if not own:
            names = dict.fromkeys([*(c.study for c in every), *(c.name for c in every)])
            raise ClaimError(f"{nearest('study or claim', word, list(names))}; or a .toml file")
        found += own
    if not found:
        raise ClaimError(f"there is no claim in {', '.join(words)}")
    return _distinct(_once(found))


def _once(claims: Sequence[Claim]) -> list[Claim]:
    """A claim that is asked for twice is one."""
    return list({(claim.paper, claim.name): claim for claim in reversed(claims)}.values())[::-1]


def _distinct(claims: list[Claim]) -> list[Claim]:
    names = [claim.name for claim in claims]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ClaimError(f"two claims are called {twice[0]!r}; rename one")
    return claims
