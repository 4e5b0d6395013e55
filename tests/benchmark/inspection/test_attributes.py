"""A study tells which of its knobs are attributes, from which other numbers were derived."""

from pathlib import Path

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.inspection.attributes import notes

STUDY = """
title = "Knobs"
seeds = 1
[settings]
kappa = [0.5, 1.0]
[families."gymnasium@pole"]
horizon = 5
ranges = { masspole = [0.05, 0.1, 0.15], action_noise = [0.0, 0.0, 0.2] }
[families."gymnasium@keyword"]
id = "Pendulum-v1"
horizon = 5
ranges = { g = [8.0, 10.0, 12.0] }
[families.random-mdp]
[algorithms.fedpg]
"""


def test_attributes_are_named_once_and_keywords_are_not(tmp_path: Path) -> None:
    (tmp_path / "knobs.toml").write_text(STUDY)
    (note,) = notes(load_study(tmp_path / "knobs.toml"))
    assert note.startswith("gymnasium@pole: masspole: set as attributes")
    assert "does not follow" in note
