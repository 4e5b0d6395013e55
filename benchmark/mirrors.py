"""Stored runs in the formats of other viewers. The store stays what counts; nothing here is read.

A mirror is a function (tidy table, folder). It needs an optional package, the extra of its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.files import StoreError, write_atomically
from envs.family import nearest

STEP = "round"
NOT_CURVES = ("seed", STEP)


def mirror(frame: Any, to: str, out: Path) -> list[Path]:
    """The files that were written, one per run; StoreError names the extra that is missing."""
    if to not in MIRRORS:
        raise StoreError(nearest("mirror", to, list(MIRRORS)))
    if find_spec(to) is None:
        raise StoreError(
            f"--to {to} needs the package {to}: pip install 'fedrl[{to}]', with -c constraints.txt "
            "for the version it is tested with"
        )
    try:
        return MIRRORS[to](frame, out)
    except OSError as error:
        raise StoreError(f"cannot write to {out}: {error.strerror}") from None


def tensorboard(frame: Any, out: Path) -> list[Path]:
    """out/<cell>/seed-00003/events.out.tfevents…: a scalar per measured column, a step per round.

    Wall time is the run's own, in seconds from its start, so the same results give the same bytes.
    """
    import io

    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    written = []
    columns = curves(frame)
    for (cell, seed), points in frame.groupby(["cell", "seed"], sort=True):
        sink = io.BytesIO()
        records = RecordWriter(sink)
        records.write(Event(file_version="brain.Event:2", wall_time=0).SerializeToString())
        for point in points.sort_values(STEP).to_dict("records"):
            values = [
                Summary.Value(tag=name, simple_value=float(point[name]))
                for name in columns
                if not math.isnan(float(point[name]))
            ]
            seconds = float(point["seconds"])
            event = Event(
                wall_time=0 if math.isnan(seconds) else seconds,
                step=int(point[STEP]),
                summary=Summary(value=values),
            )
            records.write(event.SerializeToString())
        records.flush()
        folder = out / str(cell) / f"seed-{int(seed):05d}"
        folder.mkdir(parents=True, exist_ok=True)
        written.append(folder / "events.out.tfevents.0.fedrl")
        write_atomically(written[-1], sink.getvalue())
    return written


def curves(frame: Any) -> list[str]:
    """Columns of numbers that change within some run."""
    numbers = frame.select_dtypes("number").columns
    names = [str(name) for name in numbers if name not in NOT_CURVES]
    counts = frame.groupby(["cell", "seed"])[names].nunique()
    return [name for name in names if (counts[name] > 1).any()]


MIRRORS: dict[str, Callable[[Any, Path], list[Path]]] = {"tensorboard": tensorboard}
