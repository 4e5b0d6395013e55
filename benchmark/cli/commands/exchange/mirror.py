"""`fedrl mirror`: stored runs in the format of another viewer."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, of
from fedrl.benchmark.cli.options import RESULTS, Json, Results, StudyName, folder


def mirror(
    study: StudyName,
    to: Annotated[
        str,
        typer.Option(metavar="VIEWER", help="mlflow, tensorboard or wandb"),
        Known(of("mirror")),
    ],
    out: Annotated[Path, folder("Folder to write.")],
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Write a study's stored runs for another viewer: every measured column over rounds.

    Needs the optional extra of the viewer's name. Nothing is sent anywhere. A mirror that is
    written again replaces what it wrote before.

    Examples:

      fedrl mirror quick --to tensorboard --out mirror && tensorboard --logdir mirror

      fedrl mirror quick --to mlflow --out mirror &&
      mlflow ui --backend-store-uri sqlite:///mirror/fedrl.db

      fedrl mirror quick --to wandb --out mirror && wandb sync mirror/wandb/offline-run-*
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.publishing.mirrors import mirror as write
    from fedrl.benchmark.publishing.records import read_records

    found = read_records(load_study(study), results)
    answers.warn(found)
    written = write(found.frame, to, out)
    runs = len(found.frame.drop_duplicates(["cell", "seed"]))
    facts = {"folder": str(out), "runs": runs, "files": len(written)}
    answers.answer(as_json, facts, f"{runs} runs in {out}")
