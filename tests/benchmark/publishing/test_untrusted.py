"""Laws of somebody else's folder: what it names is not imported, unless the user says so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_cli import Answer, assert_mistake, fedrl  # noqa: F401

from fedrl.benchmark.config.configuration import Config, Run, identity
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.publishing import stored_run
from fedrl.benchmark.storage import manifests, provenance, tables
from fedrl.benchmark.storage.merge import merge
from fedrl.envs.thirdparty.making import importing, specification

Fedrl = Callable[..., Answer]
SEED = Seed("test", 0)
BASE = Config(family="gymnasium", algorithm="fedpg", agents=2, rounds=1)


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results whose manifest names a package that leaves a file when it is imported."""
    sprung = tmp_path / "sprung"
    (tmp_path / "booby.py").write_text(f"open({str(sprung)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "booby", raising=False)
    specification.cache_clear()
    manifest = provenance.manifest(BASE)
    manifest["cell"]["options"] |= {"id": "booby:CartPole-v1"}
    folder = tmp_path / "results" / "study" / identity(manifest["cell"])
    folder.mkdir(parents=True)
    manifests.save_manifest(folder, manifest)
    key = provenance.key_of(manifest["cell"], SEED, manifest["code"], manifest["versions"])
    (folder / "seed-00000.parquet").write_bytes(tables.encode_table({"round": np.arange(2)}, key))
    return sprung


def test_only_trust_imports_what_a_manifest_names(
    fedrl: Fedrl,  # noqa: F811
    trapped: Path,
) -> None:
    (result,) = Path("results").glob("*/*/seed-00000.parquet")
    for words in (
        ["replay", str(result)],
        ["compare", "results", "results"],
        ["render", "gymnasium", "--policy", str(result)],
    ):
        answer = fedrl(*words)
        assert_mistake(answer, "imports the package 'booby'", "--trust")
        assert "pydantic" not in answer.err
    assert fedrl("doctor", "--sweep").code == 0
    assert merge([Path("results")], Path("merged")).copied == 1
    for words in (["verify", "results/study"], ["records", "tiny.toml"], ["report", "tiny.toml"]):
        assert fedrl(*words).code != 0
    assert not trapped.exists()
    assert stored_run.original(str(result), Path("results"), trust=True).run.seed == SEED
    assert trapped.exists()


def test_a_study_of_the_user_imports_what_it_names(trapped: Path) -> None:
    with importing(allowed=False), pytest.raises(ValueError, match="--trust"):
        specification("booby:CartPole-v1")
    assert not trapped.exists()
    specification("booby:CartPole-v1")
    assert trapped.exists()


def test_the_manifest_of_the_trap_is_sound(trapped: Path) -> None:
    """It is refused for the package alone: with a registered id the same folder is read."""
    (result,) = (trapped.parent / "results").glob("*/*/seed-00000.parquet")
    key = tables.read_table(result).schema.metadata[tables.KEY].decode()
    assert manifests.spoken_for(result, SEED, key)
    assert Run(BASE, SEED).config.options["id"] == "CartPole-v1"
