"""Laws of the section on single agents."""

import numpy as np
import pandas as pd
import pytest
from test_report import synthetic

from fedrl.reports.comparison.agents import agents_figure, agents_table
from fedrl.reports.comparison.leaderboard import leaderboard, standings
from fedrl.reports.comparison.scores import score_table
from fedrl.reports.drawing import figures as fig
from fedrl.reports.statistics.estimates import interquartile_mean
from fedrl.reports.table.agent_scores import known, spread
from fedrl.reports.table.normalised_scores import comparable
from fedrl.reports.table.records import families
from fedrl.reports.table.specification import Specification

SPEC = Specification()


def with_agents(shift: float):
    """Four agents around the score; those of `scaffold` all `shift` above those of FedPG."""
    records = synthetic(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=6)
    level = records["seed"] + np.where(records["algorithm"] == "scaffold", shift, 0.0)
    return records.assign(**{f"agent_score_{i}": level + i for i in range(4)})


def test_a_report_without_scores_of_agents_has_no_section():
    (family,) = families(synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=2))
    assert not known(family.runs)


@pytest.mark.parametrize("shift", [0.5, -2.0])
def test_worst_agent_spread_and_gains_are_those_of_the_columns(shift: float):
    (family,) = families(with_agents(shift))
    assert known(family.runs)
    first, second = agents_table(family, SPEC).rows
    assert (first["mean"], first["worst"]) == (2.5 + 1.5, 2.5)
    assert first["range"] == pytest.approx(spread(np.arange(4.0))) == pytest.approx(2.4)
    assert np.isnan(first["gain_0"])
    assert second["gain_0"] == pytest.approx(shift)
    assert second["gain_0_low"] == pytest.approx(shift)
    assert second["gaining_0"] == float(shift > 0)


def test_the_scores_of_agents_tell_no_series_apart():
    (family,) = families(with_agents(0.5))
    assert [series.variant for series in family.series] == ["", ""]


def test_the_figure_is_the_same_twice():
    (family,) = families(with_agents(0.5))
    one, two = (agents_figure(family, fig.Look([family]), SPEC) for _ in range(2))
    assert one.svg == two.svg


def test_scores_and_leaderboard_have_the_worst_agent_and_the_range_where_they_are_known():
    (family,) = families(with_agents(0.5))
    table = score_table(family, SPEC)
    assert [row["worst"] for row in table.rows] == pytest.approx([2.5, 3.0])
    assert [row["range"] for row in table.rows] == pytest.approx([2.4, 2.4])
    assert {"worst agent", "range of agents"} <= {column.header for column in table.columns}
    board = leaderboard(standings(comparable([(family, [])]), SPEC), SPEC)
    rows = {row["series"]: row for row in board.rows}
    own = [run for run in family.runs if run.series.algorithm == "fedpg"]
    scale = [run.reference - run.random for run in own]
    worst = [(r.last["agent_score_0"] - r.random) / one for r, one in zip(own, scale, strict=True)]
    row = rows[own[0].series.curve]
    assert row["worst"] == pytest.approx(interquartile_mean(worst))
    assert row["range"] == pytest.approx(interquartile_mean([2.4 / one for one in scale]))
    (bare,) = families(synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=2))
    board = leaderboard(standings(comparable([(bare, [])]), SPEC), SPEC)
    for table in (score_table(bare, SPEC), board):
        assert not {"worst", "range"} & set(table.rows[0])
        assert not {"worst agent", "range of agents"} & {column.header for column in table.columns}


def test_a_series_looks_the_same_where_n_varies_and_where_it_does_not():
    one = synthetic(("gridworld",), (0.0,), ("fedpg", "fedhapg-m"), 2, 5, agents=(2,))
    more = synthetic(("random-mdp",), (0.0,), ("fedpg", "fedhapg-m"), 2, 5, agents=(2, 8))
    found = families(pd.concat([one, more], ignore_index=True))
    look = fig.Look(found)
    looks = [[look.of(series) for series in family.series] for family in found]
    assert looks[0][0] == looks[1][0] == looks[1][1]
    assert looks[0][1] == looks[1][2] == looks[1][3] != looks[0][0]
