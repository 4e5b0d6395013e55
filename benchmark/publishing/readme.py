"""What a visitor of a published study reads first: README.md, and its figures made small."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from fedrl.benchmark.publishing import sources
from fedrl.reports.page.film import FILMS, PICTURES, film_of

README = "README.md"
PICTURE = re.compile(r"\]\(figures/([\w.-]+\.svg)\)")
LONG_NUMBER = re.compile(rb"-?\d+\.\d{3,}")


def files(source: sources.Source, report: Path, runs: Sequence[str]) -> dict[str, bytes]:
    """README.md and pictures/ of a published study, from its report; `runs` are kept whole.

    Path below the folder → content, the same whenever the report is the same.
    """
    summary = (report / sources.SUMMARY).read_text(encoding="utf-8")
    small = {
        f"{PICTURES}/{name}": smaller((report / "figures" / name).read_bytes())
        for name in PICTURE.findall(summary)
    }
    moved = PICTURE.sub(rf"]({PICTURES}/\1)", summary)
    for family in source.provenance.get(FILMS, ()):
        moved = _with_film(moved, family)
    return {README: _text(source, moved, runs).encode(), **small}


def _with_film(summary: str, family: str) -> str:
    """The film below the heading of its family, or of the first variant of it."""
    shown = (
        f"![Final policy]({film_of(family)})\n\n*Final policy.* Agents of a run that is kept "
        "whole, each with its own environment, under the policy that the run ended with."
    )
    heading = re.compile(rf"^(### {re.escape(family)}(?:@\S+)?)$", re.MULTILINE)
    return heading.sub(lambda found: f"{found[1]}\n\n{shown}", summary, count=1)


def smaller(svg: bytes) -> bytes:
    """A drawing with places to a hundredth of a point: fewer bytes, nothing that shows.

    Numbers below 1 are scales and keep four digits.
    """
    return LONG_NUMBER.sub(_shorter, svg)


def _shorter(found: re.Match[bytes]) -> bytes:
    value = float(found[0])
    return b"%g" % round(value, 2) if abs(value) >= 1 else b"%.4g" % value


def _text(source: sources.Source, summary: str, runs: Sequence[str]) -> str:
    from fedrl.reports.page.table_export import plain

    command = str(source.provenance["command"])
    lines = [
        f"# {plain(source.title)}",
        "",
        *([plain(source.description), ""] if source.description else []),
        summary.strip(),
        "",
        "## In this folder",
        "",
        "Written by `fedrl publish`. The whole report, one interactive page, is made again from",
        "the records byte for byte; of it digests are kept here.",
        "",
        "- `records.parquet`: one row per evaluation point of every run; wall seconds as measured",
        "- `provenance.json`: configuration, versions, machine, code digest",
        "- `digests.json`: SHA-256 of every artefact of the report, of the records, and the",
        "  versions of the packages that drew it",
        "- `tables/`: the report's tables, so that a number that changed can be named",
        "- `pictures/`: the figures above, drawn with fewer digits than the report's; films",
        f"- `runs/`: {len(runs)} whole runs, the cheapest of different algorithms and families",
        "- `ro-crate-metadata.json`: the same for machines (RO-Crate 1.1)",
        "",
        "```sh",
        "fedrl open .       # the interactive page",
        "fedrl verify .     # make the report again: the same bytes?",
        *(f"fedrl replay {shlex.quote(run)}" for run in runs),
        "```",
        "",
        "Everything from the beginning:",
        "",
        "```sh",
        command,
        command.replace("fedrl run", "fedrl report", 1),
        "```",
    ]
    return "\n".join(lines) + "\n"
