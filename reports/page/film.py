"""Films of final policies beside a page: where they stand, and which there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PICTURES = "pictures"
FILM = "-final-policy.gif"  # behind the name of a family
FILMS = "films"  # the entry of a provenance: families that have one


def film_of(family: str) -> str:
    """The place of a family's film, relative to the page.

    >>> film_of("cartpole")
    'pictures/cartpole-final-policy.gif'
    """
    return f"{PICTURES}/{family}{FILM}"


def with_films(provenance: Mapping[str, Any], families: Sequence[str]) -> dict[str, Any]:
    """The provenance with the families that have a film, where there are any, in its order.

    >>> with_films({"command": "fedrl run mine", "runs": {}}, ["cartpole"])
    {'command': 'fedrl run mine', 'films': ['cartpole'], 'runs': {}}
    """
    if not families:
        return dict(provenance)
    return dict(sorted({**provenance, FILMS: [*families]}.items()))


def filmed(folder: Path) -> list[str]:
    """Families that have a film below the folder."""
    found = (folder / PICTURES).glob(f"*{FILM}")
    return sorted(path.name.removesuffix(FILM) for path in found)
