"""A small study, computed once. A missing viewer is an error: this environment is for them."""

from pathlib import Path

import pandas as pd
import pytest
from test_cli import TEXT, fedrl  # noqa: F401

from fedrl import load_records, run_study


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computed")
    (folder / "tiny.toml").write_text(TEXT)
    run_study(folder / "tiny.toml", results=folder / "results", workers=1)
    return folder


@pytest.fixture(scope="session")
def table(computed: Path) -> pd.DataFrame:
    return load_records(computed / "tiny.toml", computed / "results")
