"""Laws of claims: what makes a verdict, what withholds it, and what the shipped ones say."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_cli import Answer, assert_mistake, fedrl  # noqa: F401

from fedrl.benchmark.claims import sequential, shelf
from fedrl.benchmark.claims.claim import Claim, ClaimError, Part, parse
from fedrl.benchmark.claims.estimands import check
from fedrl.benchmark.claims.estimands.chosen import best_of_other_half
from fedrl.benchmark.claims.estimands.intervals import apart, over_seeds
from fedrl.benchmark.claims.estimands.paired import area_difference
from fedrl.benchmark.claims.estimands.settings import fall_difference, setting_difference
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.figure import drawing
from fedrl.benchmark.claims.judgement import judge
from fedrl.benchmark.claims.page import section
from fedrl.benchmark.claims.verdict import Measured, Verdict, concluded, judged
from fedrl.benchmark.config.study import load_study
from fedrl.reports.statistics.estimates import Estimate
from places import ROOT

PAGE = (ROOT / "docs/extend/claim.md").read_text("utf-8")
(EXAMPLE, *_) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


@cache
def verdicts() -> list[Verdict]:
    """Of the claims that one published study tests."""
    return judge(shelf.chosen(["paper_tuned"]))


def claim(**changes: object) -> Claim:
    (found,) = parse(EXAMPLE, "example")
    return found.model_copy(update=changes)


def measured(low: float, high: float, **more: object) -> Measured:
    return Measured(Estimate((low + high) / 2, low, high), seeds=10, **more)  # type: ignore[arg-type]


# --- the rule -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.2, "shown"),
        (-0.05, 0.2, "shown"),  # the region is closed
        (-0.06, 0.2, "undecided"),
        (-0.4, -0.1, "refuted"),
        (-np.inf, np.inf, "undecided"),
        (np.nan, np.nan, "undecided"),
    ],
)
def test_only_the_whole_interval_decides(low: float, high: float, verdict: str) -> None:
    assert judged(claim(region=(-0.05, np.inf)), "part", measured(low, high)).verdict == verdict


def test_what_was_unfair_to_a_side_withholds_the_verdict_against_it_only() -> None:
    told = {"against_refuting": ("ours was not tuned",), "against_showing": ("theirs was not",)}
    for side, (low, high), free in (
        ("against_refuting", (-0.4, -0.1), (0.1, 0.2)),
        ("against_showing", (0.1, 0.2), (-0.4, -0.1)),
    ):
        held = judged(claim(), "part", measured(low, high, **{side: told[side]}))
        assert held.verdict == "undecided"
        assert told[side][0] in held.reason
        assert judged(claim(), "part", measured(*free, **{side: told[side]})).verdict != "undecided"


def test_few_seeds_and_missing_numbers_decide_nothing() -> None:
    few = Measured(Estimate(1, 1, 1), seeds=5)
    assert judged(claim(), "part", few).verdict == "undecided"
    gone = Measured(Estimate(1, 1, 1), seeds=10, missing="not published")
    assert judged(claim(), "part", gone).reason == "not published"


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ("all", {"ss": "shown", "su": "undecided", "sr": "refuted", "ur": "refuted"}),
        ("any", {"rr": "refuted", "su": "shown", "sr": "shown", "ur": "undecided"}),
    ],
)
def test_all_parts_or_any(rule: str, verdict: dict[str, str]) -> None:
    spans = {"s": (0.1, 0.2), "u": (-1, 1), "r": (-2, -1)}
    for letters, expected in verdict.items():
        own = claim(rule=rule)
        parts = [judged(own, one, measured(*spans[one])) for one in letters]
        assert concluded(own, parts).verdict == expected


def test_intervals_are_simultaneous_over_parts() -> None:
    (one,) = claim().parts
    assert claim().level == 0.95
    assert claim(parts=(one,) * 5).level == pytest.approx(0.99)


# --- the intervals --------------------------------------------------------------------------------


def test_looking_often_gives_no_more_wrong_verdicts() -> None:
    """Simulated at the region's border, where every verdict of a part would be wrong.

    Looks at all of α would give more than twice α over four of them.
    """
    counts = (6, 12, 24, 48)
    draw = np.random.default_rng(0).normal(size=(1500, counts[-1]))

    def wrong(level: float) -> float:
        found = [[over_seeds(seeds[:n], level) for n in counts] for seeds in draw]
        decided = [[look.low > 0 or look.high < 0 for look in looks] for looks in found]
        return float(np.any(decided, axis=1).mean())

    one = claim(parts=claim().parts[:1])
    assert wrong(one.looked_at(len(counts)).level) <= one.alpha
    assert wrong(one.level) > 2 * one.alpha


GROWING = """
title = "Grows"
seeds = 3
[settings]
rounds = 4
kappa = [0.0, 1.0]
gradients = "exact"
evaluate_every = 2
[families.random-mdp]
size = 3
choices = 2
horizon = 5
[algorithms.fedpg]
"""


def test_seeds_are_added_until_claims_are_decided(
    fedrl,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three seeds decide nothing, six do; a narrow region stays open to the last."""
    Path("grows.toml").write_text(GROWING)
    options = {"algorithm": "fedpg", "family": "random-mdp", "kappa": 1.0, "from_kappa": 0.0}
    wide = claim(
        name="wide", study="grows", estimand="gap-difference", region=(-9.0, 9.0), rule="all",
        parts=(Part(name="all", options=options),), options={},
    )  # fmt: skip
    narrow = wide.model_copy(update={"name": "narrow", "region": (0.0, 1e-9)})
    monkeypatch.setattr(sequential, "known", lambda: [wide])
    run = ("run", "grows.toml", "--workers", "1", "--json", "--until-decided", "--most")
    found = json.loads(fedrl(*run, "24").out)
    assert found["runs"] == 12
    assert found["claims"] == {"wide": "shown"}
    assert "--set seeds=6 --set looks=4" in found["report"]
    monkeypatch.setattr(sequential, "known", lambda: [wide, narrow])
    assert json.loads(fedrl(*run, "7").out)["runs"] == 14
    again = load_study("grows.toml", ["seeds=7", "looks=3"])
    (at, _) = sequential.judged(again, Path("results"))
    assert at.claim.level == 1 - wide.alpha / 3
    monkeypatch.setattr(sequential, "known", lambda: [claim(study="growth")])
    assert_mistake(fedrl(*run, "7"), "no study with claims 'grows'; did you mean 'growth'?")
    monkeypatch.setattr(sequential, "known", lambda: [wide])
    assert_mistake(fedrl(*run, "2"), "--most is 2; it must be at least 3, the study's seeds")
    assert_mistake(fedrl("run", "grows.toml", "--most", "2"), "--most is of --until-decided")
    listed = fedrl(*run, "9", "--set", "seeds=[4, 5]")
    assert_mistake(listed, "seeds of grows is a list; only a count can grow")


def test_choosing_among_equal_settings_gives_no_false_verdict() -> None:
    """No side is better: intervals of the cross-fitted difference cover 0 as often as they say.

    Eight seeds with effects of their own, 144 settings against 48 as in `sensitivity`, three
    families, seeds moving together over environments.
    """
    generator, wrong, trials = np.random.default_rng(0), 0, 400
    for _ in range(trials):
        seed = generator.normal(size=8)
        rows = []
        for _ in range(3):
            sides = [seed + generator.normal(size=(settings, 8)) for settings in (144, 48)]
            chosen = [v[best_of_other_half(v), np.arange(8)] for v in sides]
            rows.append(chosen[0] - chosen[1])
        found = over_seeds(np.mean(rows, axis=0), 0.95, 4)
        wrong += not found.low <= 0 <= found.high
    assert wrong / trials <= 0.05


def test_a_seed_is_never_scored_at_a_setting_that_it_chose() -> None:
    """Move one seed's own scores as you like: its setting stays."""
    values = np.random.default_rng(1).normal(size=(20, 8))
    before = best_of_other_half(values)
    values[:, 3] = np.arange(20.0)
    assert best_of_other_half(values)[3] == before[3]


def test_a_difference_of_intervals_is_wider_than_either() -> None:
    one, other = Estimate(2.0, 1.0, 4.0), Estimate(1.0, 0.5, 2.0)
    found = apart(one, other)
    assert found.value == 1.0
    assert found.low == pytest.approx(1 - np.hypot(1, 1))
    assert found.high == pytest.approx(1 + np.hypot(2, 0.5))


def test_the_best_of_several_settings_is_scored_where_it_was_not_chosen() -> None:
    """One setting on either side is the paired difference; a side beside itself is 0."""
    evidence = Evidence("paper_tuned")
    one, other = ({"algorithm": name, "weight_cap": "none"} for name in ("fedpg", "fedhapg-m"))
    options = {"family": "random-mdp", "ours": one, "theirs": one}
    assert setting_difference(evidence, options, 0.95).found == (0, 0, 0)
    found = setting_difference(evidence, options | {"ours": other}, 0.95)
    paired = {"family": "random-mdp", "algorithm": "fedhapg-m", "against": "fedpg"}
    expected = area_difference(evidence, paired, 0.95)
    assert found.found.value == pytest.approx(expected.found.value, abs=1e-12)
    assert found.seeds == expected.seeds == 10
    with pytest.raises(NothingToMeasureError):
        setting_difference(evidence, options | {"ours": one | {"weight_cap": 2.0}}, 0.95)


def test_runs_that_fall_are_counted_seed_by_seed() -> None:
    """10 → 30 → 14 is below half of the best, 10 → 30 → 16 is not."""

    class Made(Evidence):
        @property
        def frame(self) -> Any:
            ends = {("a", 0): 14.0, ("a", 1): 14.0, ("b", 0): 16.0, ("b", 1): 14.0}
            rows = [
                {"cell": cell, "seed": seed, "cap": cell, "round": r, "return": y}
                for (cell, seed), end in ends.items()
                for r, y in enumerate([10.0, 30.0, *[end] * 5])
            ]
            more = {"algorithm": "fedpg", "diverged": False}
            return pd.DataFrame(rows).assign(**more)

    sides = {
        "ours": {"algorithm": "fedpg", "cap": "a"},
        "theirs": {"algorithm": "fedpg", "cap": "b"},
    }
    found = fall_difference(Made("none"), sides, 0.95)
    assert (found.found.value, found.seeds) == (0.5, 2)
    with pytest.raises(NothingToMeasureError, match="no column step"):
        fall_difference(Made("none"), sides | {"ours": {"step": 1}}, 0.95)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("region = [-0.05, inf]", "region = [1, 0]", "its first number must be the smaller"),
        ('rule = "all"', 'rule = "most"', "rule"),
        ('estimand = "tuned-difference"', "", "estimand"),
        ("[[claims.one-step-is-enough.parts]]", "[claims.one-step-is-enough.more]", "parts"),
        ('paper = "Doe', 'papers = "Doe', "paper"),
        ('statement = "FedPG', "statement = FedPG", "TOML"),
    ],
)
def test_a_file_that_is_wrong_is_said_in_one_line(old: str, new: str, told: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(ClaimError, match=re.escape(told)) as caught:
        parse(EXAMPLE.replace(old, new), "mine.toml")
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value).split("TOML")[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="of POSIX")
def test_a_fifo_is_no_file_of_claims_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.toml")
    with pytest.raises(ClaimError, match=r"cannot read .*mine.toml: it is not a plain file"):
        shelf.chosen([str(tmp_path / "mine.toml")])


def test_misspelt_names_and_missing_options_are_said_before_any_work(
    fedrl,  # noqa: F811
) -> None:
    Path("mine.toml").write_text(EXAMPLE.replace("tuned-diff", "tuned-dif"))
    assert_mistake(fedrl("claims", "mine.toml"), "did you mean 'tuned-difference'?")
    assert_mistake(fedrl("claims", "theorie"), "did you mean 'theory'?")
    wrong = EXAMPLE.replace("theirs =", "their =")
    Path("mine.toml").write_text(wrong)
    assert_mistake(fedrl("claims", "mine.toml"), "part fedpg", "did you mean 'theirs'?")
    Path("mine.toml").write_text(re.sub(r"theirs = .*", "", EXAMPLE))
    assert_mistake(fedrl("claims", "mine.toml"), "needs the option theirs")
    Path("mine.toml").write_text(EXAMPLE.replace('theirs = { algorithm = "fedpg", ', "theirs = { "))
    assert_mistake(fedrl("claims", "mine.toml"), "needs the option theirs.algorithm")


def test_claims_of_a_package_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(EXAMPLE)
    monkeypatch.setattr(EntryPoint, "load", lambda point: lambda: tmp_path)
    point = EntryPoint("my-paper", "my_package:claims", shelf.GROUP)
    monkeypatch.setattr(shelf, "entry_points", lambda group: [point])
    assert shelf.known()[-1].name == "one-step-is-enough"
    assert [c.name for c in shelf.chosen(["one-step-is-enough"])] == ["one-step-is-enough"]


def test_a_study_that_is_not_published_decides_nothing(tmp_path: Path) -> None:
    (found,) = judge([claim()], tmp_path)
    assert found.verdict == "undecided"
    assert found.reasons == ["study sensitivity is not published yet"]


# --- what comes with the suite --------------------------------------------------------------------


def test_every_shipped_claim_is_whole() -> None:
    known = shelf.known()
    assert len({one.paper for one in known}) >= 4
    for one in known:
        assert check(one)
        assert one.would_change.endswith(".")
        assert one.objection.endswith(".")


def test_the_page_has_every_claim_as_its_records_judge_it() -> None:
    """One study here, all in tests/thorough. Otherwise: fedrl claims --out docs."""
    page = (ROOT / "docs/claims.md").read_text("utf-8")
    for one in verdicts():
        assert section(one) in page
        assert (ROOT / f"docs/claims/{one.claim.name}.svg").read_text("utf-8") == drawing(one)
    known = [one.name for one in shelf.known()]
    assert re.findall(r"^### (.+)$", page, re.M) == known
    assert {path.stem for path in (ROOT / "docs/claims").glob("*.svg")} == set(known)


def test_the_readme_has_the_headlines_as_the_page_has_them() -> None:
    """Otherwise: python docs/making/front.py."""
    rows = [
        set(re.findall(r"^\| .* \| \[.*\]\(.*#.*\) \| .* \|$", text.replace(there, ""), re.M))
        for there, text in (
            ("docs/claims.md", (ROOT / "README.md").read_text("utf-8")),
            ("", (ROOT / "docs/claims.md").read_text("utf-8")),
        )
    ]
    assert rows[0] < rows[1]
    assert len(rows[0]) == sum(bool(one.headline) for one in shelf.known())


def test_a_figure_shows_every_part_inside_its_frame() -> None:
    for one in verdicts():
        svg = drawing(one)
        known = [p for p in one.parts if np.isfinite(p.measured.found.value)]
        marks = re.findall(r'<(?:circle|rect) class="(\w+)" c?x="([\d.]+)"', svg)
        marks = [(kind, float(x)) for kind, x in marks if kind != "region"]
        assert [kind for kind, _ in marks] == [part.verdict for part in known]
        assert all(185 <= x <= 520 for _, x in marks)
