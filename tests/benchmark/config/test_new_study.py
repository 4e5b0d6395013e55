"""Laws of a new study: one file for tuning, runs and report, or one line that says why not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fedrl.benchmark.cli.main import app
from fedrl.benchmark.config.new_study import compose
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.tuning.run import prepare
from fedrl.envs import FAMILIES

WITHOUT = {"gymnasium"}  # whose environment the user names


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - WITHOUT))
def test_a_new_study_is_valid_for_every_family(family: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(compose("my.toml", "fedsvrpg-m", ["fedpg"], [family]))
    study = load_study(path, given=True)
    assert {config.algorithm for config in study.configs()} == {"fedsvrpg-m", "fedpg"}
    assert all(config.family == family for config in study.configs())
    job = prepare(str(path))
    assert {task.base.algorithm for task in job.tasks} == {"fedsvrpg-m", "fedpg"}


@pytest.mark.parametrize(
    ("own", "against", "families", "said"),
    [
        ("fedsvrpg", ["fedpq"], ["taxi"], "fedpg"),
        ("fedsvrpgg", ["fedpg"], ["taxi"], "fedsvrpg"),
        ("fedpg", ["fedpg"], ["taxi"], "at least one other algorithm"),
        ("fedpg", ["fedsvrpg"], ["taxy"], "taxi"),
        ("fedsarsa", ["fedpg"], ["taxi", "cartpole"], "finite MDP, and cartpole is none"),
        ("my.nowhere:Mine", ["fedpg"], ["taxi"], 'entry-points."fedrl.algorithms"'),
    ],
)
def test_what_is_not_known_is_named(
    own: str, against: list[str], families: list[str], said: str
) -> None:
    with pytest.raises(SettingError, match=said.replace(".", r"\.")):
        compose("my.toml", own, against, families)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    words = ["study", "new", str(path), "--algorithm", "fedsvrpg-m", "--families", "taxi"]
    first = CliRunner().invoke(app, words)
    assert (first.exit_code, first.stdout.strip()) == (0, str(path))
    before = path.read_text()
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, SettingError)
    assert path.read_text() == before


def test_what_would_be_refused_after_tuning_is_refused_before(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    text = compose("my.toml", "fedsvrpg-m", ["fedpg"], ["taxi"])
    path.write_text(text.replace("[algorithms.fedpg]", "[algorithms.fedpg]\nstep_size = 0.1"))
    with pytest.raises(SettingError, match=r"algorithms\.fedpg\.step_size is set by hand"):
        prepare(str(path))
