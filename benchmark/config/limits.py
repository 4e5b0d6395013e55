"""How large a study may be: sizes are known before configurations are made.

A configuration takes about .1 ms to check and a run is three files, so that a study at these limits
still loads on a laptop. What is larger is split into several studies.
"""

from typing import Any

from fedrl.benchmark.config.configuration import WHOLE
from fedrl.benchmark.config.settings import SettingError

CONFIGURATIONS = 20_000  # of a study: more than twice the largest that comes with the package
ENVIRONMENTS = 256  # of one family: settings of its options; to make one takes up to 20 ms
RUNS = 200_000  # configurations × seeds
STUDY_BYTES = 4_000_000  # of a study's file
DEPTH = 32  # of tables and lists in one another; studies use 4


def check_values(value: Any, place: str = "", depth: int = 0) -> None:
    """SettingError that names the first number or nesting that no study can have."""
    if depth > DEPTH:
        raise SettingError(f"{place[:80]} is nested deeper than {DEPTH} levels; write it flatter")
    if isinstance(value, dict):
        for key, inner in value.items():
            check_values(inner, f"{place}.{key}" if place else key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_values(inner, place, depth + 1)
    elif isinstance(value, int) and not -WHOLE <= value < WHOLE:
        about = "above 2^63 - 1" if value > 0 else "below -2^63"
        raise SettingError(f"{place} is {about}; it must be a whole number of 64 bits")


def check_count(count: int, most: int, what: str, remedy: str) -> None:
    """SettingError if there are more of something than a study may have."""
    if count > most:
        raise SettingError(f"{what} {count:,}; it must be at most {most:,}: {remedy}")
