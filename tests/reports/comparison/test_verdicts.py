"""Laws of verdicts: they follow from effects within seeds, of six pairs or more."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_report import synthetic

from fedrl.reports.comparison.leaderboard import Standing, leaderboard, standings, verdict
from fedrl.reports.comparison.paired import paired_table, speed_table
from fedrl.reports.comparison.sentences import sentences
from fedrl.reports.table.records import families
from fedrl.reports.table.runs import Family
from fedrl.reports.table.sample_complexity import (
    Reached,
    complexity_table,
    met_before_training,
    score_targets,
)
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Table

SPEC = Specification()


def told(records: Any) -> tuple[Family, list[Reached], list[Standing]]:
    (family,) = families(records)
    reached = score_targets(family, SPEC)
    return family, reached, standings([(family, reached)], SPEC)


def bold(table: Table) -> list[bool]:
    return [cell.strong for row in table.cells for cell in row]


@pytest.mark.parametrize(("seeds", "enough"), [(5, False), (8, True)])
def test_nothing_is_told_apart_below_six_pairs(seeds: int, enough: bool) -> None:
    """`scaffold` hardly learns: eight seeds say so, five settle nothing."""
    algorithms = ("fedpg", "scaffold")
    family, reached, found = told(synthetic(("gridworld",), (0.0,), algorithms, seeds=seeds))
    tables = (
        paired_table(family, SPEC),
        speed_table(family, reached, SPEC),
        leaderboard(found, SPEC),
    )
    assert [any(bold(table)) for table in tables] == [enough] * 3
    assert found[1].behind.low > 0
    assert [row["level_with_first"] for row in tables[2].rows] == [True, not enough]
    words = " ".join([verdict(found), *sentences(family, reached, SPEC)])
    assert words.count("within seeds it is ahead of every other") == 2 * enough
    assert ("settle no order" in words) == (not enough)


def test_a_verdict_follows_from_pairs_where_single_intervals_overlap() -> None:
    """What every seed gains alike hides in the spread of seeds, and not within them."""
    records = synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=8)
    trained = records["round"] > 0
    spread = records.assign(objective=records["objective"] + records["seed"] * trained * 0.2)
    better = spread["objective"] + 0.1 * trained
    both = pd.concat([spread, spread.assign(algorithm="ahead", cell="ahead", objective=better)])
    family, reached, (first, second) = told(both)
    assert (first.curve, second.curve) == ("ahead", "FedPG")
    assert second.area.high > first.area.low
    assert second.told_apart
    assert "ahead of every other" in verdict([first, second])
    assert "ahead of every other" in sentences(family, reached, SPEC)[-1]


def test_a_rank_lies_inside_its_interval_and_ranks_add_up() -> None:
    algorithms = ("fedsvrpg-m", "fedhapg-m", "fedpg")
    _, _, found = told(synthetic(("gridworld",), (0.0, 1.0), algorithms, seeds=8))
    for standing in found:
        assert standing.rank.low <= standing.rank.value <= standing.rank.high
    assert np.mean([standing.rank.value for standing in found]) == pytest.approx(2)


def test_a_target_met_before_training_is_left_out() -> None:
    records = synthetic(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=6)
    start = records["random"] + 0.6 * (records["reference"] - records["random"])
    family, reached, found = told(records.assign(objective=np.maximum(records["objective"], start)))
    assert [e for e in SPEC.epsilons if met_before_training(family, 0.0, e, SPEC)] == [0.5]
    assert {item.epsilon for item in reached} == {0.25, 0.1, 0.05}
    assert all(row["rmst"] > 0 for row in complexity_table(family, reached, SPEC).rows)
    assert all(np.isnan(standing.shares[0.5]) for standing in found)


@pytest.mark.parametrize("known", [True, False])
def test_a_sentence_names_what_targets_are_shares_of(known: bool) -> None:
    records = synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=2)
    if not known:
        records = records.assign(reference=np.nan)
    family, reached, _ = told(records)
    end = "the reference" if known else "the best run of this study"
    assert f"from the random policy to {end}" in sentences(family, reached, SPEC)[0]
