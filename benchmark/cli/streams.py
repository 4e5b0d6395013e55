"""Standard streams of a command: a reader that goes away is no mistake, a full disk is one line.

In a terminal a notice stands at once: what computes takes seconds to import, in silence otherwise.
"""

import errno
import os
import sys
from typing import Any, TextIO


class Notice:
    """A line on standard error of a terminal, which goes as soon as anything else is written."""

    def __init__(self) -> None:
        self._width = 0

    def show(self, text: str) -> None:
        """Write it, if there is a terminal."""
        if sys.stderr.isatty():
            sys.stderr.write(text)
            sys.stderr.flush()
            self._width = len(text)

    def clear(self) -> None:
        """Write blanks over it: not every terminal can erase a line."""
        width, self._width = self._width, 0
        if width:
            sys.stderr.write(f"\r{' ' * width}\r")
            sys.stderr.flush()


NOTICE = Notice()


class Stream:
    """A text stream that outlives its reader; all else is the stream's own."""

    def __init__(self, stream: TextIO, forgives_all: bool = False) -> None:
        self._stream, self._forgives_all = stream, forgives_all

    def write(self, text: str) -> int:
        """Write, or forget the text if nobody can read it."""
        if text == "":  # asked by a library that hides what comes of it: a disk would be told once
            return 0
        NOTICE.clear()
        try:
            self._attempt(self._stream.write, text)
        except UnicodeEncodeError:  # names of files need not be text, nor a terminal know it
            known = self._stream.encoding or "ascii"
            self._attempt(self._stream.write, text.encode(known, "backslashreplace").decode(known))
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        self._attempt(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _attempt(self, act: Any, *given: str) -> None:
        try:
            act(*given)
        except OSError as error:
            # What is buffered must find a place, or Python tells of it when it ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            if error.errno != errno.EPIPE and not self._forgives_all:
                raise FullError(f"cannot write the answer: {error.strerror}") from None


def complete() -> None:
    """Open the null device for standard streams that the process was started without.

    Otherwise the next file that is opened, one of results, would take the number of one of them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115


class FullError(ValueError):
    """Standard output cannot be written to; the message is one line."""
