"""`python -m fedrl` is the command `fedrl`: Ctrl-C is heard from the first import on."""

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # as in `fedrl.benchmark.cli.codes`, which is not imported yet
# New objects between two searches for garbage, also of workers. Imports and numba make a million
# objects that stay: at Python's 700 a sixth of an import goes into looking them through.
GARBAGE = 50_000


def interrupted(number: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt, but within an import the end: importers turn it into other errors."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"error: aborted\n")
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Run the command line."""
    gc.set_threshold(GARBAGE)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, interrupted)
    try:
        from fedrl.benchmark.cli.main import main as command

        command()
    except KeyboardInterrupt:
        print("error: aborted", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
