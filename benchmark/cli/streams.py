"""Standard streams of a command: a reader that goes away is no mistake, a full disk is one line."""

import errno
import os
from typing import Any, TextIO


class Stream:
    """A text stream that outlives its reader; all else is the stream's own."""

    def __init__(self, stream: TextIO, forgives_all: bool = False) -> None:
        self._stream, self._forgives_all = stream, forgives_all

    def write(self, text: str) -> int:
        """Write, or forget the text if nobody can read it."""
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


class FullError(ValueError):
    """Standard output cannot be written to; the message is one line."""
