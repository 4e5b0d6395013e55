"""The law of published studies: the report is rebuilt byte for byte, whole runs replay."""

from pathlib import Path

from fedrl.benchmark.publishing import replay, stored_run
from fedrl.benchmark.publishing.verification import verify

# A million steps of a robot are minutes each: `fedrl replay` computes them again.
LONG = ("ppo", "deep_tuned")


def replays(folder: Path) -> list[str]:
    """The outcome for every whole run of a published study, by replay's own rule elsewhere."""
    outcomes = []
    for path in sorted(folder.glob("runs/*/seed-*.parquet")):
        if ".seconds" in path.name:
            continue
        first = stored_run.original(str(path), folder)
        again = replay.recompute(first.run)
        outcomes.append(replay.compare(first, again.columns, again.parameters).outcome)
        if not first.elsewhere:
            assert outcomes[-1] in ("identical", "differs"), path
    return outcomes


def verifies_and_replays(folder: Path) -> None:
    found = verify(folder)
    assert found.identical, found
    if folder.name not in LONG:
        outcomes = replays(folder)
        assert len(outcomes) == 3
        assert "differs" not in outcomes, folder
