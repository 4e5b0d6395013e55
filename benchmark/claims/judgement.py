"""From claims to verdicts: every part measured by its estimand on the records of its study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fedrl.benchmark.claims.claim import Claim
from fedrl.benchmark.claims.estimands import check
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError, NotPublishedError
from fedrl.benchmark.claims.verdict import Measured, Verdict, concluded, judged
from fedrl.reports.statistics.estimates import UNKNOWN


def judge(
    claims: Sequence[Claim],
    below: Path | None = None,
    records: Mapping[str, Evidence] | None = None,
) -> list[Verdict]:
    """A verdict for every claim; `below` holds other published studies than those shipped.

    `records` of a study are looked at instead of what is published.
    """
    measures = {claim.name: check(claim) for claim in claims}  # what is wrong, before any work
    evidence = {study: Evidence(study, below) for study in {claim.study for claim in claims}}
    evidence |= records or {}
    verdicts = []
    for asked in claims:
        parts, own = [], evidence[asked.study]
        claim = asked.looked_at(own.looks)
        for part in claim.parts:
            options = {**claim.options, **part.options}
            try:
                found = measures[claim.name](own, options, claim.level)
            except (NotPublishedError, NothingToMeasureError) as error:
                found = Measured(UNKNOWN, 0, missing=str(error))
            parts.append(judged(claim, part.name, found))
        verdicts.append(concluded(claim, parts))
    return verdicts
