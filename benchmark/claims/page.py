"""Claims and their verdicts as Markdown: the page "Claim by claim", a table for a README."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from fedrl.benchmark.claims.figure import drawing
from fedrl.benchmark.claims.verdict import SHOWN, UNDECIDED, Verdict
from fedrl.benchmark.claims.words import interval
from fedrl.benchmark.storage.files import explaining, write_below
from fedrl.reports.table import formatting as fm

PAGE, PICTURES = "claims.md", "claims"
HEAD = """\
# Claim by claim

What papers say, and what published records say of it. The page, its figures and the table in the
README are written by `fedrl claims --out docs` and `docs/making/front.py`; tests compare them with
the records.

A claim is a number with a region. A part of it is **shown** where its interval lies in the region,
**refuted** where it lies outside, and **undecided** otherwise. Intervals are simultaneous over the
parts of a claim, so that a claim gets a wrong verdict with probability 5 % or less: among twenty,
one is to be expected. Differences are taken within seeds, a seed counts once with all of its runs,
and each side runs at values that were chosen for it on other seeds than those that score it. Where
that is not so, the verdict against the side that was treated worse is withheld, and the reason
stands there. Regions were written when the records of most studies were known: they are round
numbers in the file of each paper, for everybody to argue with.
[Write a claim of your own](extend/claim.md).
"""


def write(verdicts: Sequence[Verdict], out: Path) -> list[Path]:
    """Write claims.md and a figure per claim below `out`; figures of other claims are removed."""
    texts = files(verdicts)
    with explaining(f"cannot write {out}"):
        for old in sorted((out / PICTURES).glob("*.svg")):
            if f"{PICTURES}/{old.name}" not in texts:
                old.unlink()
        return write_below(out, {name: text.encode() for name, text in texts.items()})


def files(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Path below the folder → text."""
    pictures = {f"{PICTURES}/{verdict.claim.name}.svg": drawing(verdict) for verdict in verdicts}
    return {PAGE: page(verdicts), **pictures}


def page(verdicts: Sequence[Verdict]) -> str:
    """All claims, paper by paper."""
    parts = [HEAD, table(verdicts)]
    for paper, own in groupby(verdicts, key=lambda verdict: verdict.claim.paper):
        parts.append(f"## {paper}")
        parts += [section(verdict) for verdict in own]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def table(verdicts: Sequence[Verdict], page: str = "") -> str:
    """Verdict, claim and number, a row per claim; links lead into `page`."""
    rows = [(_strong(v), f"[{_short(v)}]({page}#{v.claim.name})", numbers(v)) for v in verdicts]
    return fm.piped(("verdict", "claim", "measured"), rows).strip()


def front(verdicts: Sequence[Verdict], page: str) -> str:
    """The table of claims that have a headline."""
    return table([verdict for verdict in verdicts if verdict.claim.headline], page)


def numbers(verdict: Verdict, most: int = 3) -> str:
    """Parts with their intervals; of many parts how many were shown and refuted."""
    parts = verdict.parts
    known = [part for part in parts if interval(part.measured)]
    if not known:
        return verdict.reasons[0] if verdict.reasons else "nothing"
    if len(parts) > most:
        counts = [(sum(p.verdict == kind for p in parts), kind) for kind in (SHOWN, "refuted")]
        told = " and ".join(f"{n} {kind}" for n, kind in counts if n) or "none decided"
        return f"of {len(parts)} parts {told}"
    told = "; ".join(f"{p.name} {interval(p.measured)}" for p in known)
    return f"{verdict.claim.symbol}: {told}" if verdict.claim.symbol else told


def section(verdict: Verdict) -> str:
    """One claim."""
    claim = verdict.claim
    rows = [
        (part.name, interval(part.measured) or "–", part.measured.seeds or "–", part.verdict)
        for part in verdict.parts
    ]
    share = fm.percent(round(claim.level, 4))
    said = [
        f"### {claim.name}",
        f"{claim.statement} *Source: {claim.source}.*",
        f"**{verdict.verdict.capitalize()}.** Measured: {claim.unit}; shown where "
        f"{claim.shown_region()} for {'every part' if claim.rule == 'all' else 'some part'}.",
        f"![{claim.name}]({PICTURES}/{claim.name}.svg)",
        fm.piped(("part", f"value, {share} interval", "seeds", "verdict"), rows).strip(),
        *([_undecided(verdict)] if verdict.reasons else []),
        f"- *Measured again by* `{claim.command}`, on the study `{claim.study}`."
        + (f" *Assumes:* {'; '.join(verdict.assumes)}." if verdict.assumes else "")
        + f"\n- *Would change the verdict:* {claim.would_change}"
        f"\n- *The authors could object:* {claim.objection}",
    ]
    return "\n\n".join(said)


def _undecided(verdict: Verdict) -> str:
    """Why it is, or why some of its parts are."""
    what = "It is undecided" if verdict.verdict == UNDECIDED else "Parts are undecided"
    return "\n".join([f"{what} because", "", *(f"- {reason}" for reason in verdict.reasons)])


def _strong(verdict: Verdict) -> str:
    return verdict.verdict if verdict.verdict == UNDECIDED else f"**{verdict.verdict}**"


def _short(verdict: Verdict) -> str:
    return verdict.claim.headline or verdict.claim.name.replace("-", " ")
