"""How every algorithm is called and drawn, the same in every report, whatever else is in it."""

import hashlib
from typing import NamedTuple

BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
VERMILION, PURPLE, BLACK = "#D55E00", "#CC79A7", "#000000"
# Okabe & Ito 2008 without yellow, which is too light
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
DASH_COUNT, MARKERS = 5, ("o", "s", "^", "D", "v", "P", "<", "h", ">")


class Identity(NamedTuple):
    """Name in print, and the look of a line: no two algorithms share both colour and dash."""

    name: str
    colour: str
    dash: int  # 0 solid, 1 dashed, 2 dash-dotted, 3 dotted, 4 long dashes
    marker: str


KNOWN = {  # in the order of legends and tables
    "fedpg": Identity("FedPG", BLUE, 0, "o"),
    "fedpg-m": Identity("FedPG-M", ORANGE, 1, "s"),
    "fedsvrpg-m": Identity("FedSVRPG-M", VERMILION, 2, "D"),
    "fedhapg-m": Identity("FedHAPG-M", GREEN, 3, "^"),
    "fedhapg-m2": Identity("FedHAPG-M2", GREEN, 4, "v"),
    "fedsvrpg": Identity("FedSVRPG", VERMILION, 1, "<"),
    "fedhapg": Identity("FedHAPG", GREEN, 0, ">"),
    "is-mbpg": Identity("IS-MBPG", VERMILION, 3, "P"),
    "ha-mbpg": Identity("HA-MBPG", GREEN, 1, "h"),
    "scaffold-pg": Identity("SCAFFOLD-PG", PURPLE, 4, "s"),
    "fast-fedpg": Identity("Fast-FedPG", BLACK, 1, "D"),
    "fedprox-pg": Identity("FedProx-PG", SKY, 0, "v"),
    "mime-pg": Identity("MIME-PG", PURPLE, 1, "P"),
    "mfpo": Identity("MFPO", SKY, 4, "<"),
    "independent-pg": Identity("Independent PG", BLACK, 3, "h"),
    "pooled-pg": Identity("Pooled PG", BLACK, 0, ">"),
    "fednpg": Identity("FedNPG", SKY, 2, "^"),
    "s-fedpg": Identity("sFedPG", SKY, 3, "o"),
    "fedpg-br": Identity("FedPG-BR", BLUE, 4, "D"),
    "fedppo": Identity("FedPPO", PURPLE, 0, "^"),
    "independent-ppo": Identity("Independent PPO", BLACK, 2, "v"),
    "fednigt": Identity("FedNIGT", BLUE, 2, "s"),
    "afedpg": Identity("AFedPG", BLACK, 4, "P"),
    "rennala-nigt": Identity("Rennala NIGT", BLUE, 4, "h"),
    "malenia-nigt": Identity("Malenia NIGT", PURPLE, 4, "o"),
    "tilted-pg": Identity("Tilted PG", PURPLE, 2, "D"),
    "agnostic-pg": Identity("Agnostic PG", GREEN, 1, "<"),
    "fedrep-pg": Identity("FedRep-PG", ORANGE, 4, "o"),
    "ditto-pg": Identity("Ditto-PG", ORANGE, 2, "v"),
    "fedhpd": Identity("FedHPD", BLACK, 3, "o"),
    "feda2c": Identity("FedA2C", PURPLE, 3, "o"),
    "fedkl": Identity("FedKL", BLUE, 3, "v"),
    "fedtrpo": Identity("FedTRPO", ORANGE, 3, "^"),
    "n-harpg": Identity("N-HARPG", GREEN, 2, "P"),
    "pfedpg-vr": Identity("PFedPG-VR", VERMILION, 1, "h"),
    "pfedpg-ha": Identity("PFedPG-HA", GREEN, 3, "h"),
    "b-rs-fedpg": Identity("b-RS-FedPG", BLUE, 4, "s"),
    "fedtd": Identity("FedTD", ORANGE, 4, "s"),
    "fed-dvr-q": Identity("Fed-DVR-Q", GREEN, 4, "D"),
    "fedsarsa": Identity("FedSARSA", SKY, 1, ">"),
    "projpavg": Identity("ProjPAvg", BLUE, 1, "v"),
    "softpavg": Identity("SoftPAvg", ORANGE, 0, "P"),
    "qavg": Identity("QAvg", VERMILION, 0, "h"),
    "qavg-sampled": Identity("sampled QAvg", VERMILION, 4, ">"),
}


def identity(algorithm: str) -> Identity:
    """That of the table; an algorithm from elsewhere has its own name and a look drawn from it."""
    if algorithm in KNOWN:
        return KNOWN[algorithm]
    drawn = int.from_bytes(hashlib.sha256(algorithm.encode()).digest()[:8], "big")
    colour, dash = COLOURS[drawn % len(COLOURS)], drawn // 7 % DASH_COUNT
    return Identity(algorithm, colour, dash, MARKERS[drawn // 35 % len(MARKERS)])


def identities(algorithms: tuple[str, ...]) -> dict[str, Identity]:
    """Of several in one report: one from elsewhere gives way where its look is taken already."""
    found = {name: KNOWN[name] for name in algorithms if name in KNOWN}
    taken = {(own.colour, own.dash) for own in found.values()}
    for name in sorted(set(algorithms) - found.keys()):
        own, used = identity(name), {colour for colour, _ in taken}
        rarest = sorted((own.colour, *COLOURS), key=used.__contains__)
        free = (
            own._replace(colour=colour, dash=(own.dash + turn) % DASH_COUNT)
            for turn in range(DASH_COUNT)
            for colour in rarest
        )
        found[name] = next((one for one in free if (one.colour, one.dash) not in taken), own)
        taken.add((found[name].colour, found[name].dash))
    return found


def place(algorithm: str) -> tuple[int, str]:
    """Order of legends and tables: that of the table, then others by name."""
    known = list(KNOWN)
    return (known.index(algorithm) if algorithm in KNOWN else len(known), algorithm)
