"""`fedrl replay`: one stored run again, bit for bit."""

from typing import Annotated

import typer

from fedrl.benchmark.cli import completion
from fedrl.benchmark.cli.codes import DIFFERENT
from fedrl.benchmark.cli.known import check_run
from fedrl.benchmark.cli.options import RESULTS, Json, Results, Study, Trust


def replay(
    name: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Path of a seed-*.parquet file, or a run: CELL/seed-00003, or CELL seed 3.",
            autocompletion=completion.runs,
        ),
    ],
    results: Results = RESULTS,
    study: Study = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Compute one stored run again and tell whether the same bits come out.

    Exit code 0 if it is identical, 1 if it differs. On another machine or with other versions the
    same bits cannot be promised: then the first evaluation point may agree within a tolerance,
    a relative 1e-6 in float64 and 1e-3 in float32; runs of a simulator, whose chaotic physics
    amplifies last digits within an episode, are not comparable then: exit code 1. Numbers that no
    manifest beside them speaks of are not computed: exit code 1.

    Examples:

      fedrl replay results/quick/CELL/seed-00003.parquet

      fedrl replay CELL seed 3 --study quick --json
    """
    check_run(" ".join(name), results, study)
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.publishing import replay as replays
    from fedrl.benchmark.publishing import stored_run
    from fedrl.benchmark.storage.files import ForeignFileError

    try:
        original = stored_run.original(" ".join(name), results, study, trust=trust)
    except ForeignFileError as error:
        answers.say(f"not reproduced: {error}")
        raise typer.Exit(DIFFERENT) from None
    for warning in stored_run.warnings_of(original):
        answers.say(f"note: {warning}")
    again = replays.recompute(original.run)
    comparison = replays.compare(original, again.columns, again.parameters)
    facts = replays.as_json(original, comparison)
    answers.answer(as_json, facts, replays.sentence(comparison))
    if not comparison.reproduced:
        raise typer.Exit(DIFFERENT)
