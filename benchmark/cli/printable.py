"""Text for a terminal: what others wrote moves no cursor, hides nothing and rings no bell."""

import re

# C0 but the line break and the tabulator, C1, and marks that reorder what is shown.
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def printable(text: str) -> str:
    r"""The text with every control character written as Python writes it, \x1b."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
