"""`fedrl check`: does a family or an algorithm obey the laws of the suite?"""

import shutil
import textwrap
from typing import Annotated

import typer

from fedrl.benchmark.cli.codes import BROKEN
from fedrl.benchmark.cli.known import Known, of
from fedrl.benchmark.cli.options import Json


def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Family or algorithm: built in, from an entry point, or a path module:Class.",
        ),
        Known(of("family", "algorithm")),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="An option or hyperparameter; may be repeated."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the laws that every family and every algorithm obeys.

    For whoever adds one: a table says which laws hold, and for the others in a sentence what is
    wrong. Exit code 1 if a law is broken.

    Examples:

      fedrl check cartpole

      fedrl check fedsvrpg-m --json

      fedrl check my_package.riverswim:RiverSwim

      fedrl check gymnasium --set id=Pendulum-v1 --set "ranges={m=[0.5,1.0,1.5]}"
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.conformance.entries import find_entry, with_settings
    from fedrl.benchmark.conformance.verdicts import judge, laws_of

    entry = find_entry(name)
    if settings:
        entry = with_settings(entry, settings)
    if not laws_of(entry.value):
        raise SettingError(f"no law binds {name}; it extends neither Family nor Algorithm")
    verdicts = []
    for verdict in judge(entry.value):
        verdicts.append(verdict)
        if not as_json:
            _print(verdict.law, verdict.sentence)
    broken = sum(not verdict.holds for verdict in verdicts)
    if as_json:
        answers.print_json(
            {
                "kind": entry.kind,
                "name": entry.name,
                "holds": broken == 0,
                "laws": [verdict._asdict() for verdict in verdicts],
            }
        )
    else:
        print(f"\n{entry.kind} {name}: {len(verdicts) - broken} of {len(verdicts)} laws hold")
    if broken:
        raise typer.Exit(BROKEN)


def _print(law: str, sentence: str) -> None:
    """A row of the table, as soon as it is known; the sentence stands below its law."""
    print(f"{'FAILED' if sentence else 'passed':8}{law}", flush=True)
    if sentence:
        width = shutil.get_terminal_size().columns
        print(textwrap.fill(sentence, width, initial_indent=" " * 8, subsequent_indent=" " * 8))
