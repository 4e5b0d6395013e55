"""`fedrl claims`: what published records say of the claims of papers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fedrl.benchmark.cli.known import Known, check_claim, check_folder
from fedrl.benchmark.cli.options import Json, folder


def claims(
    asked: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY|CLAIM|FILE]...",
            help="Claims of a study, a claim, or a TOML file or folder of claims.",
            show_default="all",
        ),
        Known(check_claim),
    ] = None,
    published: Annotated[
        Path | None,
        folder("Folder of published studies.", show_default="those shipped"),
        Known(check_folder),
    ] = None,
    out: Annotated[
        Path | None, folder("Write the page claims.md and a figure per claim there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge claims of papers by published records: shown, refuted or undecided.

    A part of a claim is shown where its interval lies in the claim's region, refuted where it lies
    outside; intervals are simultaneous over the parts. Where one side was not treated fairly, say
    not tuned, a verdict against it is withheld, and the reason is said.

    Examples:

      fedrl claims theory

      fedrl claims one-trajectory --json

      fedrl claims my_paper.toml --published my_published
    """
    from fedrl.benchmark.claims.claim import ClaimError
    from fedrl.benchmark.claims.estimands import check
    from fedrl.benchmark.claims.judgement import judge
    from fedrl.benchmark.claims.page import write
    from fedrl.benchmark.claims.shelf import chosen
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.storage.folders import make

    if published is not None and not published.is_dir():
        raise ClaimError(f"there is no folder {published}")
    found = chosen(asked or [])
    for claim in found:
        check(claim)  # what is misspelt is said before anything else
    if out is not None:
        make(out)
    studies = ", ".join(dict.fromkeys(claim.study for claim in found))
    answers.say(f"judging {len(found)} claims by the records of {studies}")
    verdicts = judge(found, published)
    written = [] if out is None else write(verdicts, out)
    if as_json:
        answers.print_json([_facts(verdict) for verdict in verdicts])
        return
    for verdict in verdicts:
        _print(verdict)
    for path in written[:1]:
        print(path)


def _print(verdict: Any) -> None:
    from fedrl.benchmark.claims.words import interval

    claim = verdict.claim
    print(f"{verdict.verdict.upper():10}{claim.name}: {claim.statement}")
    print(f"  {claim.unit}; shown where {claim.shown_region()}, {claim.rule} of its parts")
    for part in verdict.parts:
        told = interval(part.measured) or "–"
        print(f"  {part.name}: {told}, {part.verdict}")
    for reason in verdict.reasons:
        print(f"  because {reason}")
    for assumption in verdict.assumes:
        print(f"  assumes {assumption}")
    print(f"  source: {claim.source}")
    print()


def _facts(verdict: Any) -> dict[str, Any]:
    from fedrl.benchmark.publishing.records import or_null

    return {
        **verdict.claim.model_dump(mode="json", exclude={"options", "parts", "region"}),
        "region": [or_null(bound) for bound in verdict.claim.region],
        "level": verdict.claim.level,
        "verdict": verdict.verdict,
        "reasons": verdict.reasons,
        "assumes": verdict.assumes,
        "parts": [
            {
                "name": part.name,
                "verdict": part.verdict,
                "reason": part.reason,
                "seeds": part.measured.seeds,
                **{n: or_null(v) for n, v in part.measured.found._asdict().items()},
            }
            for part in verdict.parts
        ],
    }
