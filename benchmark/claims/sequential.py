"""Seeds until claims are decided, without deciding too often: every look has its share of α.

A study is looked at with n, 2n, 4n, … seeds and last with the most there may be. Every claim is
judged at each of the m looks with α/m, so that over all of them it gets a wrong verdict with
probability α or less, however its looks depend on each other (Bonferroni).
"""

from pathlib import Path

from fedrl.benchmark.claims.claim import Claim, ClaimError
from fedrl.benchmark.claims.evidence import Evidence
from fedrl.benchmark.claims.judgement import judge
from fedrl.benchmark.claims.shelf import known
from fedrl.benchmark.claims.verdict import Verdict
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.publishing import publication, sources
from fedrl.benchmark.publishing.records import read_records
from fedrl.benchmark.storage.store import Store
from fedrl.envs.validation import nearest


def looks(study: Study, most: int) -> tuple[int, ...]:
    """Numbers of seeds at which the study's claims are judged: n, 2n, 4n, …, `most`.

    ClaimError if no claim is of that study, or its seeds cannot grow to `most`.
    """
    of(study)
    found = [len(study.seeds)]
    if study.seeds != tuple(range(found[0])):
        raise ClaimError(f"seeds of {study.name} is a list; only a count can grow")
    if most < found[0]:
        raise ClaimError(f"--most is {most}; it must be at least {found[0]}, the study's seeds")
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return tuple(found)


def of(study: Study) -> list[Claim]:
    """The claims of that study; ClaimError if there are none."""
    found = [claim for claim in known() if claim.study == study.name]
    if not found:
        names = dict.fromkeys(claim.study for claim in known())
        raise ClaimError(
            f"--until-decided: {nearest('study with claims', study.name, list(names))}"
        )
    return found


def judged(study: Study, results: Path) -> list[Verdict]:
    """The study's claims by what is stored of it."""
    found = read_records(study, results)
    told = publication.provenance(study, Store(results, study.name), found, "fedrl run", None)
    source = sources.packed(found.frame, told, study.title, study.description)
    return judge(of(study), records={study.name: Evidence.of(study.name, source)})
