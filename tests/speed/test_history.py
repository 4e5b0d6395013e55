"""A ratio that falls is seen."""

from __future__ import annotations

import history


def record(ratio: float, machine: str = "one", load: float = 1.0) -> history.Record:
    return {"time": "2026-01-01T00:00", "commit": "abc", "machine": machine, "load": load,
            "ratios": {"rollout": ratio}}  # fmt: skip


def test_a_fall_is_told_and_noise_is_not() -> None:
    past = [record(100), record(101), record(99), record(500, "another")]
    assert history.falls(past, record(86)) == {}
    assert history.falls(past, record(84)) == {"rollout": (100, 84)}
    assert history.falls(past, record(1, "a third")) == {}
    assert history.falls([], record(1)) == {}


def test_a_busy_machine_is_not_compared() -> None:
    past = [record(100), record(900, load=5.0)]
    assert history.falls(past, record(95)) == {}
    assert history.falls(past, record(80)) == {"rollout": (100, 80)}
    assert history.falls(past, record(50, load=5.0)) == {}


def test_lines_are_added_and_drawn(tmp_path) -> None:
    file, figure = tmp_path / "speed" / "history.jsonl", tmp_path / "speed.svg"
    assert history.read(file) == []
    for ratio in (1.0, 2.0):
        history.add(record(ratio), file)
    assert [r["ratios"]["rollout"] for r in history.read(file)] == [1.0, 2.0]
    history.draw(history.read(file), figure)
    drawn = figure.read_text("utf-8")
    assert all(label in drawn for label in ("sampling", "full episodes, B = 10", "2026-01-01"))


def test_a_measurement_names_commit_and_machine() -> None:
    found = history.measured({"rollout": 1.23456})
    assert found["ratios"] == {"rollout": 1.235}
    assert "cores" in found["machine"]
