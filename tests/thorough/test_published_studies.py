"""Every study in reports/published can be rebuilt and replayed."""

import pytest
from published_studies import verifies_and_replays

from fedrl.benchmark.publishing.sources import RECORDS
from fedrl.benchmark.publishing.verification import published
from places import ROOT

pytestmark = pytest.mark.long

# The largest first: begun last, a worker would be alone with it at the end.
BY_SIZE = sorted(published(), key=lambda folder: -(folder / RECORDS).stat().st_size)


@pytest.mark.parametrize("folder", BY_SIZE, ids=lambda folder: folder.name)
def test_a_shipped_study_verifies_and_replays(folder):
    verifies_and_replays(folder)


def test_these_at_least_are_shipped():
    named = {"paper_tuned", "quick", "sensitivity", "sensitivity_beyond", "theory"}
    assert named <= {folder.name for folder in published()}
    readme = ROOT / "reports" / "published" / "README.md"
    assert "fedrl verify --published" in readme.read_text()
