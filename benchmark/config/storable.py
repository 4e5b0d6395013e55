"""Names of folders that every file system can have: results are copied from machine to machine."""

import re

# What Windows cannot have: devices whatever follows a dot, an end it drops, and these characters.
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def stored_as(name: str) -> str:
    """The name of a family or algorithm in names of files; no two have the same one.

    >>> stored_as("mylab-fedpg"), stored_as("mylab/fedpg")
    ('mylab-fedpg', 'mylab=2ffedpg')
    """
    return re.sub(r"[^\w.@+-]", lambda found: f"={ord(found[0]):x}", name)


def unstorable(name: str) -> str | None:
    """Why a folder cannot have this name somewhere; None if it can everywhere."""
    if name.startswith("."):
        return "must not begin with a dot"
    if name.endswith((".", " ")):
        return "must not end with a dot or a space, which Windows drops"
    if DEVICE.fullmatch(name):
        return f"must not be {name}, a device of Windows"
    if found := FORBIDDEN.search(name):
        return f"must not have {found[0]!r} in it, which Windows forbids"
    return None
