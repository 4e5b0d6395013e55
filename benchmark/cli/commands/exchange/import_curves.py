"""`fedrl import`: curves of other programs, in the same report."""

from pathlib import Path
from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, check_file
from fedrl.benchmark.cli.options import Json, folder


def import_curves(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files, or folders of TensorBoard."),
        Known(check_file),
    ],
    out: Annotated[Path, folder("Folder of the report.")],
    title: Annotated[str, typer.Option(help="Title of the report.")] = "Imported curves",
    family: Annotated[
        str | None, typer.Option(help="Name of the environment, where files have none.")
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="Name of the algorithm.", show_default="the file's folder")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Which of several measures is the score.")
    ] = None,
    random: Annotated[
        float | None,
        typer.Option(help="Score of the random policy.", show_default="mean first score"),
    ] = None,
    reference: Annotated[
        float | None, typer.Option(help="Score that counts as solved.", show_default="best of all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a report of curves that other programs computed.

    CSV (algorithm, seed, steps, score), TensorBoard folders, CSV of W&B, evaluations.npz and
    monitor.csv of Stable-Baselines3, JSON of marl-eval. They are marked as from outside: nothing of
    them can be replayed, and as their seeds are not paired nothing is compared within seeds.

    Examples:

      fedrl import curves.csv --out imported

      fedrl import ppo/seed0/evaluations.npz --algorithm PPO --family cartpole --out imported
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.publishing.outside import import_report

    frame = import_report(
        files,
        out,
        title=title,
        family=family,
        algorithm=algorithm,
        metric=metric,
        random=random,
        reference=reference,
    )
    runs = frame.groupby(["family", "algorithm"])["seed"].nunique()
    page = out / "index.html"
    if as_json:
        told = [{"family": f, "algorithm": a, "runs": int(n)} for (f, a), n in runs.items()]
        answers.print_json({"page": str(page), "imported": told})
        return
    for (place, name), count in runs.items():
        answers.say(f"{place}, {name}: {count} run(s)")
    print(page)
