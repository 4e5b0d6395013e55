"""Tables as CSV, which a spreadsheet shows and does not compute."""

from typing import Any

BEGINNINGS = ("=", "+", "@", "-", "\t")  # of what a spreadsheet takes for a formula


def csv(frame: Any, **options: Any) -> str:
    """The frame without its index; an apostrophe stands before words that begin like a formula."""
    words = [place for place, kind in enumerate(frame.dtypes) if kind.kind in "OUT"]
    if words:
        frame = frame.copy()
        for place in words:
            frame.isetitem(place, frame.iloc[:, place].map(_inert))
    frame = frame.rename(columns=_inert)
    return str(frame.to_csv(index=False, lineterminator="\n", **options))


def _inert(entry: Any) -> Any:
    if not isinstance(entry, str):
        return entry
    entry = entry.replace("\r", "\n")  # a bare \r would end the row unquoted
    formula = len(entry) > 1 and entry.startswith(BEGINNINGS)
    return f"'{entry}" if formula and not _is_number(entry) else entry


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
