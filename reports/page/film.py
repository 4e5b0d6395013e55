"""Films of final policies beside a page: where they stand, and which there are."""

from pathlib import Path

PICTURES = "pictures"
FILM = "-final-policy.gif"  # behind the name of a family
FILMS = "films"  # the entry of a provenance: families that have one


def film_of(family: str) -> str:
    """The place of a family's film, relative to the page.

    >>> film_of("cartpole")
    'pictures/cartpole-final-policy.gif'
    """
    return f"{PICTURES}/{family}{FILM}"


def filmed(folder: Path) -> list[str]:
    """Families that have a film below the folder."""
    found = (folder / PICTURES).glob(f"*{FILM}")
    return sorted(path.name.removesuffix(FILM) for path in found)
