"""TensorBoard: event files."""

import io
from pathlib import Path
from typing import Any

from fedrl.benchmark.publishing.trackers.points import STEP, numbers, seconds, shown
from fedrl.benchmark.storage.files import write_atomically


def tensorboard(frame: Any, out: Path) -> list[Path]:
    """out/<cell>/seed-00003/events.out.tfevents…: a scalar per measured column, a step per round.

    Wall time is the run's own, in seconds from its start, so the same results give the same bytes.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    written = []
    for run in shown(frame):
        sink = io.BytesIO()
        records = RecordWriter(sink)
        records.write(Event(file_version="brain.Event:2", wall_time=0).SerializeToString())
        for point in run.points:
            values = [
                Summary.Value(tag=name, simple_value=value)
                for name, value in numbers(point, run.columns).items()
            ]
            event = Event(
                wall_time=seconds(point), step=int(point[STEP]), summary=Summary(value=values)
            )
            records.write(event.SerializeToString())
        records.flush()
        folder = out / run.config / f"seed-{run.seed:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        written.append(folder / "events.out.tfevents.0.fedrl")
        write_atomically(written[-1], sink.getvalue())
    return written
