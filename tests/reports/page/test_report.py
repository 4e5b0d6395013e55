"""Laws of the page: the same bytes, nothing left out, nothing executed, nothing fetched."""

import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from elsewhere import Copies, OtherProcess
from older_processor import older_processor
from sketches import sketches

from fedrl.reports import write_report
from fedrl.reports.comparison.chapter import SECTIONS
from fedrl.reports.drawing.array_encoding import numbers
from fedrl.reports.page.film import FILMS
from fedrl.reports.table import formatting
from fedrl.reports.table.identity import identity
from fedrl.reports.table.records import families
from places import ROOT

PLOTLY = (ROOT / "reports/page/vendor/plotly-basic.min.js").read_text("utf-8")
SPEED = {"fedsvrpg-m": 3.0, "fedhapg-m": 2.4, "fedpg": 1.2, "scaffold": 0.15}
TOP = {"gridworld": 5.0, "random-mdp": 1.0, "cartpole": 190.0}
START = {"gridworld": -2.0, "random-mdp": 0.2, "cartpole": 20.0}


def synthetic(
    families: tuple[str, ...] = ("gridworld", "random-mdp", "cartpole"),
    kappas: tuple[float, ...] = (0.0, 1.0),
    algorithms: tuple[str, ...] = ("fedsvrpg-m", "fedhapg-m", "fedpg", "scaffold"),
    seeds: int = 5,
    points: int = 20,
    agents: tuple[int, ...] = (4,),
    betas: tuple[float, ...] = (0.2,),
) -> Any:
    """Saturating curves with noise; `scaffold` hardly learns, cartpole has ragged steps."""
    rows: list[dict[str, Any]] = []
    for family in families:
        for kappa in kappas:
            for algorithm in algorithms:
                for n in agents:
                    for beta in betas if algorithm.endswith("-m") else (np.nan,):
                        for seed in range(seeds):
                            rows += _run(family, kappa, algorithm, n, beta, seed, points)
    return pd.DataFrame(rows)


def _run(
    family: str, kappa: float, algorithm: str, n: int, beta: float, seed: int, points: int
) -> list[dict[str, Any]]:
    name = f"{family}|{kappa}|{algorithm}|{n}|{beta}"
    code = int(hashlib.sha256(f"{name}|{seed}".encode()).hexdigest()[:8], 16)
    draw = np.random.default_rng(code)
    shared = np.random.default_rng(seed)
    top = TOP[family] * (1 - 0.15 * kappa) + 0.02 * abs(TOP[family]) * shared.normal()
    start = START[family] + 0.02 * abs(START[family]) * shared.normal()
    speed = SPEED[algorithm] * n**0.3 * (1 - 0.35 * kappa) * np.exp(0.25 * draw.normal())
    if not np.isnan(beta):
        speed *= 1 - abs(beta - 0.2)
    tabular = family != "cartpole"
    reference = {"gridworld": top, "random-mdp": np.nan, "cartpole": 200.0}[family]
    diverged = (algorithm, kappa, seed, family) == ("fedhapg-m", 1.0, 2, "cartpole")
    rows, steps = [], 0.0
    for i in range(points):
        share = i / max(points - 1, 1)
        gain = (1 - np.exp(-speed * 1.6 * share)) * (0.93 - 0.02 * abs(draw.normal()))
        score = start + gain * (top - start) + 0.02 * (top - start) * draw.normal() * (i > 0)
        steps += 0.0 if i == 0 else 600.0 if tabular else round(600 * (1 + 0.1 * draw.normal()))
        rows.append(
            {"study": "smoke", "family": family, "kappa": kappa, "algorithm": algorithm}
            | {"agents": n, "seed": seed, "cell": hashlib.sha256(name.encode()).hexdigest()[:12]}
            | {"local_steps": 5, "episodes": 4, "horizon": 30 if tabular else 200}
            | {"discount": 0.99, "step_size": 0.05 if algorithm == "fedpg" else 0.02}
            | {"server_step_size": 1.0, "beta": beta, "weight_cap": np.nan}
            | {"initial_momentum": "gradient", "dtype": "float64"}
            | {"round": 5 * i, "steps_per_agent": steps, "trajectories_per_agent": 20.0 * i}
            | {"steps_total": steps * n, "trajectories_total": 20 * i * n}
            | {"floats_up": 400 * i, "floats_down": 1200 * i, "seconds": 1.3 * i}
            | {"objective": score if tabular else score / 3, "return": score}
            | {"return_worst": score - kappa, "return_best": score + kappa}
            | {"stationarity": 0.3 * np.exp(-4 * gain + 0.3 * draw.normal()) if tabular else np.nan}
            | {"diverged": diverged, "diverged_round": 61.0 if diverged else np.nan}
            | {"metric": "objective" if tabular else "return", "reference": reference}
            | {"reference_meaning": "optimum by value iteration" if tabular else "solved"}
            | {"random": start}
            | _inside(algorithm, i, share, draw)
        )
        if diverged and i == 12:
            break
    return rows


def _inside(algorithm: str, i: int, share: float, draw: Any) -> dict[str, float]:
    """Diagnostics: nothing before the first round, weights only where an algorithm has them."""
    weights = i > 0 and algorithm.endswith("-m")
    largest = float(np.exp(6 * share + draw.normal())) if weights else np.nan
    return {
        "diagnostic_weight_max": largest,
        "diagnostic_weight_capped": 0.0 if weights else np.nan,
        "diagnostic_entropy": 1.4 - share if i else np.nan,
        "heterogeneity": 0.1 + 0.01 * i,
    }


def plain(*of: Any, **more: Any) -> Any:
    """`synthetic` without diagnostics, whose figures are a third of a report's."""
    records = synthetic(*of, **more)
    return records.drop(columns=[c for c in records if "diagnostic" in c or "heterog" in c])


PROVENANCE: dict[str, Any] = {
    "command": "fedrl run smoke",
    "rebuild": "fedrl report smoke",
    "versions": {"python": "3.11", "numpy": "2.4"},
    "machine": {"cpu": "x86_64", "cores": 2, "notes": {"turbo": None, "shared": True}},
    "configuration": {"families": ["gridworld", "cartpole"], "beta": {"low": 0.05, "high": 1.0}},
    "code": "d1ge57",
    "runs": {"finished": 118, "expected": 120, "missing": ["cartpole/fedpg/3", "cartpole/fedpg/4"]},
    "cells": [{"cell": "a1", "kappa": 0.0}, {"cell": "b2", "kappa": 1.0}],
}


def built(records: Any, out: Path, **words: Any) -> str:
    words = {"title": "Smoke", "description": "A synthetic study."} | words
    provenance = words.pop("provenance", PROVENANCE)
    return write_report(records, provenance, out, **words).read_text()


def contents(out: Path) -> dict[str, bytes]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def without_pdf(out: Path) -> dict[str, bytes]:
    """`contents` but for PDFs, which most tests do not draw."""
    return {name: data for name, data in contents(out).items() if not name.endswith(".pdf")}


def table(out: Path, name: str) -> Any:
    return pd.read_csv(out / "tables" / f"{name}.csv")


@pytest.fixture(scope="module")
def whole() -> Any:
    """Every feature: a diverged run, one that never hits, no reference, a missing seed."""
    records = synthetic()
    gone = records.eval(
        "family == 'gridworld' and algorithm == 'fedpg' and kappa == 1 and seed == 4"
    )
    return records[~gone]


@pytest.fixture(scope="module")
def report(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Its figures are sketches: `drawn` has the others."""
    out = tmp_path_factory.mktemp("report")
    with sketches():
        return out, built(whole, out)


@pytest.fixture(scope="module")
def part(whole: Any) -> Any:
    """Of `whole`, a family with a diverged run."""
    return whole.query(
        "family == 'cartpole' and algorithm in ('fedhapg-m', 'scaffold') and seed in (0, 2)"
    )


@pytest.fixture(scope="module")
def drawn(part: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("drawn")
    with sketches("svg", "pdf"):
        return out, built(part, out)


def unpacked(text: str) -> Any:
    """Data of the page with its lists where they belong."""
    value = json.loads(text)
    pool = value.pop("pool")

    def opened(entry: Any) -> Any:
        if isinstance(entry, dict):
            inner = {key: opened(one) for key, one in entry.items()}
            return pool[entry["of"]] if "of" in entry else inner
        return [opened(one) for one in entry] if isinstance(entry, list) else entry

    return opened(value)


def explorers(text: str) -> list[dict[str, Any]]:
    """The data of every family's curves."""
    found = re.findall(r'<script type="application/json" class="data">(.*?)</script>', text)
    return [unpacked(data) for data in found]


def charts(text: str) -> dict[str, dict[str, Any]]:
    """Anchor → the data of every chart."""
    found = re.findall(r'<script type="application/json" class="data views">(.*?)</script>', text)
    return {data["anchor"]: data for data in map(unpacked, found)}


class Page(html.parser.HTMLParser):
    """Tags with attributes, ids, and the text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words, self.silent = "", False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.silent = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self.silent else data

    def values(self, *names: str) -> list[str]:
        return [a[name] or "" for _, a in self.tags for name in names if name in a]


# The same bytes


def assert_same_files(one: Path, other: Path) -> None:
    """All but PDFs, which are drawn from the same figures; another process draws them below."""
    first, second = without_pdf(one), without_pdf(other)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_rebuilding_and_shuffling_change_no_byte(
    part: Any, drawn: tuple[Path, str], tmp_path: Path
) -> None:
    built(part.sample(frac=1, random_state=3), tmp_path)
    assert_same_files(drawn[0], tmp_path)


@pytest.mark.long
def test_another_process_writes_the_same_bytes(tmp_path: Path, pdf: None) -> None:
    records = synthetic(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=2, points=6)
    built(records, tmp_path / "here")
    paths = tmp_path / "records", tmp_path / "there"
    records.to_pickle(paths[0])
    script = """
import json, pathlib, sys
import pandas as pd
from fedrl.reports import write_report
source, out, provenance = sys.argv[1:]
write_report(pd.read_pickle(source), json.loads(provenance), pathlib.Path(out),
             title="Smoke", description="A synthetic study.")
"""
    subprocess.run(
        [sys.executable, "-c", script, *paths, json.dumps(PROVENANCE)],
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"} | older_processor(),
    )
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.usefixtures("undrawn")
def test_drawn_elsewhere_a_report_has_the_same_bytes(
    whole: Any, report: tuple[Path, str], tmp_path: Path
) -> None:
    """From shuffled records too."""
    pool = Copies()
    built(whole.sample(frac=1, random_state=3), tmp_path, pool=pool)
    assert pool.drawn == 3 * len(SECTIONS)
    assert_same_files(report[0], tmp_path)


def test_a_process_that_helps_draws_the_same_bytes(
    tmp_path: Path, pdf: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3)
    built(records, tmp_path / "here")
    monkeypatch.setattr("fedrl.reports.page.page.FEW", 0)
    with OtherProcess() as pool:
        built(records, tmp_path / "there", pool=pool)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.usefixtures("undrawn")
def test_nobody_helps_with_a_small_report(tmp_path: Path) -> None:
    pool = Copies()
    built(plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3), tmp_path, pool=pool)
    assert not pool.drawn


@pytest.mark.usefixtures("undrawn")
def test_films_are_made_once_and_named_as_if_they_had_been_there(tmp_path: Path) -> None:
    records = plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3)
    known = dict(sorted((PROVENANCE | {FILMS: ["gridworld"]}).items()))
    built(records, tmp_path / "before", provenance=known)
    asked: list[str] = []

    def films() -> list[str]:
        asked.append("films")
        return ["gridworld"]

    built(records, tmp_path / "meanwhile", films=films)
    assert asked == ["films"]
    assert contents(tmp_path / "before") == contents(tmp_path / "meanwhile")


def test_no_dates_and_no_absolute_paths(report: tuple[Path, str], drawn: tuple[Path, str]) -> None:
    for out, _ in (report, drawn):
        for name, content in contents(out).items():
            for forbidden in (b"CreationDate", b"ModDate", b"dc:date", str(out).encode()):
                assert forbidden not in content, (name, forbidden)


# Nothing left out


def test_every_section_of_every_family_is_in_the_contents(report: tuple[Path, str]) -> None:
    page = Page(report[1])
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert set(links) <= set(ids)
    for family in ("gridworld", "random-mdp", "cartpole"):
        for part in ("learning", "steps", "kappa", "inside", "score", "every", "pairs", "cost"):
            assert f"{family}-{part}" in links
    assert "gridworld-gradient" in links
    assert "cartpole-gradient" not in links  # no stationarity there
    assert {"overview", "provenance"} <= set(links)


def test_every_link_to_a_file_leads_to_one(report: tuple[Path, str]) -> None:
    out, text = report
    beside = ("figures", "tables", "report.tex")
    links = [link for link in Page(text).values("href") if link.startswith(beside)]
    written = set(contents(out)) - {"index.html", "summary.md"}  # pages that link, and are not
    assert set(links) == written
    assert {Path(link).suffix for link in links} == {".svg", ".pdf", ".csv", ".md", ".tex"}


def test_every_run_is_in_the_tables(whole: Any, report: tuple[Path, str]) -> None:
    out, _ = report
    for family, rows in whole.groupby("family"):
        finals = table(out, f"{family}-seeds").filter(regex=r"^seed_")
        assert finals.columns.tolist() == [f"seed_{seed}" for seed in range(5)]
        runs = rows.groupby(["cell", "seed"]).ngroups
        assert finals.notna().sum().sum() == runs
        reached = table(out, f"{family}-complexity")
        assert (reached.groupby("epsilon")["runs"].sum() == runs).all()
        assert table(out, f"{family}-ledger")["seeds"].sum() == runs


def test_a_sound_run_ends_at_its_last_score(whole: Any, report: tuple[Path, str]) -> None:
    rows = whole.query(
        "family == 'gridworld' and algorithm == 'fedpg' and kappa == 0 and seed == 1"
    )
    shown = table(report[0], "gridworld-seeds").query("series == 'FedPG' and kappa == 0")
    assert shown["seed_1"].item() == pytest.approx(rows.sort_values("round")["objective"].iloc[-1])


def test_an_algorithm_that_never_hits_is_shown_as_censored(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "gridworld-complexity").query("series == 'scaffold' and epsilon == 0.05")
    assert (rows["hits"] == 0).all()
    assert np.isinf(rows[["median", "ert"]]).all(axis=None)
    assert (rows["rmst"] == rows["common_budget"]).all()
    assert "&gt; 11\u202f400 (0/5)" in text
    assert "≥ 11\u202f400" in text


def test_a_diverged_run_counts_and_is_marked(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "cartpole-complexity").query("series == 'FedHAPG-M' and kappa == 1")
    assert (rows["runs"] == 5).all()
    assert rows["hits"].max() <= 4
    seeds = table(out, "cartpole-seeds").query("series == 'FedHAPG-M' and kappa == 1")
    assert seeds["diverged_2"].item()
    assert seeds["seed_2"].item() == pytest.approx(seeds["seed_2"].item())
    assert seeds["seed_2"].item() < seeds[["seed_0", "seed_1"]].min(axis=None) / 2  # not its last
    assert "1 run diverged" in text
    assert re.search(r"<td[^>]*>[\d.]+ ×</td>", text)


def test_p_values_are_corrected_for_every_row_of_their_table(report: tuple[Path, str]) -> None:
    rows = table(report[0], "gridworld-speed")
    first = rows["p"].idxmin()
    assert rows["p_holm"][first] == pytest.approx(min(1, len(rows) * rows["p"][first]))
    assert (rows["p_holm"] >= rows["p"]).all()


def test_an_estimated_rank_lies_inside_its_interval(report: tuple[Path, str]) -> None:
    for name, rank in (("leaderboard", "rank_by_steps"), ("standing", "rank_by_final")):
        rows = table(report[0], name)
        low, value, high = (rows[f"{rank}{end}"] for end in ("_low", "", "_high"))
        inside = (low < value) & (value < high)
        constant = (low == value) & (value == high)
        assert (inside | constant).all()  # of an algorithm that is last under every seed
        assert inside.mean() > 0.8
    headers = re.findall(r"<th[^>]*>(?:<[^>]*>)*(mean rank[^<]*)", report[1])
    assert set(headers) == {"mean rank by steps", "mean rank by final score"}


def test_a_missing_seed_is_no_run(report: tuple[Path, str]) -> None:
    assert "no run" in report[1]
    pairs = table(report[0], "gridworld-paired").query("kappa == 1")["pairs"]
    assert (pairs == 4).all()


@pytest.mark.usefixtures("undrawn")
def test_missing_runs_are_prominent(report: tuple[Path, str], tmp_path: Path) -> None:
    text = report[1]
    assert text.index("incomplete: 118 of 120 runs") < text.index('id="overview"')
    assert "cartpole/fedpg/3" in text
    records = plain(("cartpole",), (0.0,), ("fedpg",), seeds=1, points=3)
    complete = {"runs": {"finished": 120, "expected": 120, "missing": []}}
    assert "incomplete" not in Page(built(records, tmp_path, provenance=complete)).words


def test_an_unknown_reference_is_the_best_of_the_study(
    whole: Any, report: tuple[Path, str]
) -> None:
    rows = table(report[0], "random-mdp-scores")
    assert set(rows["reference_meaning"]) == {"best in this study"}
    means = whole.query("family == 'random-mdp'").groupby(["kappa", "algorithm", "round"])
    best = means["objective"].mean().groupby("kappa").max()
    np.testing.assert_allclose(rows.groupby("kappa")["reference"].min(), best)
    np.testing.assert_allclose(rows.groupby("kappa")["reference"].max(), best)
    assert "best in this study" in report[1]


def test_the_sentence_names_who_needed_fewest_steps(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "gridworld-complexity").query("kappa == 0 and epsilon == 0.1")
    first = rows.sort_values("rmst")["series"].iloc[0]
    said = re.search(
        r"<li>(At κ = 0,[^<]*)</li>", text[text.index('<section id="family-gridworld') :]
    )
    assert said is not None
    assert f"{first} needed fewest steps per agent" in said[1]
    assert f"{rows['hits'].sum()} of {rows['runs'].sum()} runs reached 90" in said[1]


# What can be explored


def test_the_curves_hold_every_run_on_every_axis(whole: Any, report: tuple[Path, str]) -> None:
    told = {data["slug"]: data for data in explorers(report[1])}
    for family, rows in whole.groupby("family"):
        data = told[family]
        costs = rows.assign(floats=rows["floats_up"] + rows["floats_down"])
        axes = ["steps_per_agent", "steps_total", "trajectories_per_agent"]
        assert list(data["axes"]) == [*axes, "floats", "seconds", "round"]
        lines = [line for panel in data["panels"] for line in panel["lines"]]
        assert sum(len(line["seeds"]) for line in lines) == rows.groupby(["cell", "seed"]).ngroups
        metric = rows["metric"].iloc[0]
        for axis in data["axes"]:
            pairs = sorted(
                zip(*(numbers(costs[c].to_numpy()) for c in (axis, metric)), strict=True)
            )
            shown = [
                pair
                for line in lines
                for seed in line["seeds"]
                for pair in zip(seed["x"][axis], seed["y"]["score"], strict=True)
            ]
            assert sorted(map(tuple, shown)) == pairs


def test_the_explored_average_is_the_interquartile_mean(
    whole: Any, report: tuple[Path, str]
) -> None:
    """Five seeds at equal steps: the mean of the middle three, on every axis the same."""
    (data,) = [d for d in explorers(report[1]) if d["slug"] == "gridworld"]
    rows = whole.query("family == 'gridworld' and algorithm == 'scaffold' and kappa == 0")
    sorted_scores = np.sort(rows.pivot(index="round", columns="seed", values="objective"), axis=1)
    labels = [line["label"] for line in data["lines"]]
    (line,) = [x for x in data["panels"][0]["lines"] if x["line"] == labels.index("scaffold")]
    for axis in data["axes"]:
        found = line["averages"]["score"][axis]
        np.testing.assert_allclose(found["y"], sorted_scores[:, 1:4].mean(axis=1), rtol=5e-4)
        assert (np.array(found["low"]) <= found["y"]).all()
        assert (found["y"] <= np.array(found["high"])).all()


def test_a_diverged_run_stays_in_every_average(report: tuple[Path, str]) -> None:
    (data,) = [d for d in explorers(report[1]) if d["slug"] == "cartpole"]
    (panel,) = [p for p in data["panels"] if p["title"] == "κ = 1"]
    (line,) = [x for x in panel["lines"] if any(seed["diverged"] for seed in x["seeds"])]
    (lost,) = [seed for seed in line["seeds"] if seed["diverged"]]
    for axis in data["axes"]:
        average = line["averages"]["score"][axis]
        x, low = np.array(average["x"]), np.array(average["low"])
        before, after = x < lost["x"][axis][-1], x > lost["x"][axis][-1]
        assert after.any()
        assert low[after].max() < 0.6 * low[before][-1]  # one of five fell to random


def test_a_chart_of_hits_ends_at_the_share_of_the_table(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "gridworld-complexity")
    data = charts(text)["gridworld-steps"]
    labels = [line["label"] for line in data["lines"]]
    checked = 0
    for epsilon, view in data["views"].items():
        for panel in view["panels"]:
            kappa = float(panel["title"].removeprefix("κ = "))
            for line in panel["lines"]:
                own = rows[
                    np.isclose(rows["epsilon"], float(epsilon))
                    & (rows["kappa"] == kappa)
                    & (rows["series"] == labels[line["line"]])
                ].iloc[0]
                assert line["y"][-1] == pytest.approx(100 * own["success"], rel=1e-4)
                assert line["x"][-1] == pytest.approx(own["common_budget"], rel=1e-4)
                area = np.sum(np.diff(line["x"]) * (1 - np.array(line["y"][:-1]) / 100))
                assert area == pytest.approx(own["rmst"], rel=1e-3)  # RMST is the area above
                assert line["told"][-1] == f"{own['hits']} of {own['runs']} runs"
                checked += 1
    early = rows["rmst"] < rows["common_budget"]
    assert checked == len(rows[early.groupby(rows["epsilon"]).transform("any")]) > 0


def test_a_chart_of_heterogeneity_has_the_scores_of_the_table(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "cartpole-scores")
    data = charts(text)["cartpole-kappa"]
    labels = [line["label"] for line in data["lines"]]
    assert list(data["views"]) == ["final", "best", "area"]
    for view, column in (("final", "final"), ("best", "best"), ("area", "auc")):
        (panel,) = data["views"][view]["panels"]
        for line in panel["lines"]:
            own = rows[rows["series"] == labels[line["line"]]].sort_values("kappa")
            for key, name in (("y", column), ("low", f"{column}_low"), ("high", f"{column}_high")):
                np.testing.assert_allclose(line[key], own[name], rtol=5e-4)


def test_profiles_are_those_of_the_runs(whole: Any, report: tuple[Path, str]) -> None:
    """From the records, without the report's own functions."""
    out, text = report
    profile = table(out, "performance-profile").query("score == 'final'")
    rows = whole.query("family == 'gridworld'")
    last = rows.sort_values("round").groupby(["kappa", "algorithm", "seed"]).last().reset_index()
    scaled = (last["objective"] - last["random"]) / (last["reference"] - last["random"])
    gaps = table(out, "standing").query("place == 'gridworld'").set_index("series")
    for algorithm, own in scaled.groupby(last["algorithm"]):
        name = identity(algorithm).name
        (row,) = profile.query("place == 'gridworld' and series == @name").to_dict("records")
        assert row["above_0.75"] == pytest.approx((own > 0.75).mean())
        assert row["above_0.75_low"] <= row["above_0.75"] <= row["above_0.75_high"]
        assert gaps.loc[name, "gap_final"] == pytest.approx(np.maximum(1 - own, 0).mean())
    ranks = table(out, "standing").groupby("place")["rank_by_final"].mean()
    np.testing.assert_allclose(ranks, (1 + 4) / 2)  # of four algorithms
    assert set(charts(text)) >= {"performance", "runtime"}


def test_runtime_profiles_rise_to_the_share_of_hits(report: tuple[Path, str]) -> None:
    out, text = report
    profile = table(out, "runtime-profile")
    keys = ["within_1", "within_2", "within_4", "within_8", "within_any"]
    assert (np.diff(profile[keys], axis=1) >= 0).all()
    hits = pd.concat(
        [table(out, f"{f}-complexity") for f in ("gridworld", "random-mdp", "cartpole")]
    )
    share = hits.groupby("series")["hits"].sum() / hits.groupby("series")["runs"].sum()
    everywhere = profile.query("place == 'all families'").set_index("series")
    for name, row in everywhere.iterrows():  # less where nobody solved half of the seeds
        assert row["within_any"] <= share[name] + 1e-9
    best = everywhere["within_1"].max()
    assert best >= 0.5 * everywhere["within_any"].max()  # a median is reached by half
    (view,) = charts(text)["runtime"]["views"].values()
    assert view["doubling"]
    for panel in view["panels"]:
        for line in panel["lines"]:
            assert (np.diff(line["y"]) >= 0).all()


def test_every_chart_has_a_static_figure_after_it(report: tuple[Path, str]) -> None:
    _, text = report
    order = re.findall(
        r'<div class="explorer" id="([^"]+)"|<figure class="drawing" id="([^"]+)"', text
    )
    kinds = ["explorer" if one else "drawing" for one, _ in order]
    places = [i for i, kind in enumerate(kinds) if kind == "explorer"]
    assert len(places) == len(charts(text)) + len(explorers(text)) == 2 + 3 * 3
    assert all(kinds[i + 1] == "drawing" for i in places)


def test_figures_on_the_page_refer_to_what_is_on_the_page(drawn: tuple[Path, str]) -> None:
    text = re.sub(r'<script id="plotly">.*?</script>', "", drawn[1], flags=re.DOTALL)
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    used = re.findall(r'<use [^>]*href="#([^"]*)"', text) + re.findall(r"url\(#([^)]*)\)", text)
    assert used
    assert set(used) <= set(ids)


def test_diagnostics_are_drawn_where_they_exist(report: tuple[Path, str]) -> None:
    out, text = report
    (data,) = [d for d in explorers(text) if d["slug"] == "gridworld"]
    diagnostics = ["diagnostic_weight_max", "diagnostic_weight_capped", "diagnostic_entropy"]
    assert list(data["measures"]) == ["score", "stationarity", *diagnostics, "heterogeneity"]
    assert data["measures"]["diagnostic_weight_max"]["log"]  # it spans more than two decades
    labels = [line["label"] for line in data["lines"]]
    for panel in data["panels"]:
        for line in panel["lines"]:
            found = line["averages"]["diagnostic_weight_max"]["steps_per_agent"]
            assert (found is not None) == labels[line["line"]].endswith("-M")
    settings = table(out, "gridworld-settings")
    assert not [name for name in settings.columns if "diagnostic" in name]  # nobody chose them
    assert (out / "figures" / "gridworld-diagnostics.svg").exists()


@pytest.mark.usefixtures("undrawn")
def test_studies_without_diagnostics_have_no_section_for_them(tmp_path: Path) -> None:
    text = built(plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3), tmp_path)
    assert 'id="gridworld-inside"' not in text
    (data,) = explorers(text)
    assert list(data["measures"]) == ["score", "stationarity"]


def test_a_long_legend_leaves_room_for_the_curves(tmp_path: Path) -> None:
    betas = tuple(np.linspace(0.05, 0.95, 8))
    records = plain(("gridworld",), (0.0,), betas=betas, seeds=1, points=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="constrained_layout not applied")
        built(records, tmp_path)


# Across families


def test_the_leaderboard_is_what_the_families_say(report: tuple[Path, str]) -> None:
    out, text = report
    rows = table(out, "leaderboard").set_index("series")
    assert rows["area"].is_monotonic_decreasing
    assert (rows["settings"] == 4).all()  # random-mdp has no reference: its scores are not pooled
    names = ("gridworld", "cartpole")
    reached = pd.concat([table(out, f"{name}-complexity") for name in names])
    for epsilon in (0.5, 0.25, 0.1, 0.05):
        hits = reached[reached["epsilon"] == epsilon].groupby("series")[["hits", "runs"]].sum()
        share = hits["hits"] / hits["runs"]
        np.testing.assert_allclose(rows[f"share_{epsilon:g}"], share[rows.index])
    first = rows.index[0]
    np.testing.assert_allclose(rows["rank_by_steps"].mean(), (1 + 4) / 2)  # of four algorithms
    assert np.isnan(rows.loc[first, "behind"])
    ties = rows["behind_low"].isna() | (rows["behind_low"] <= 0) | (rows["pairs"] < 6)
    assert (rows["level_with_first"] == ties).all()
    assert f"{rows.index[0]} has the largest area under its curve" in text


@pytest.mark.usefixtures("undrawn")
def test_scaled_scores_are_zero_at_random_and_one_at_the_reference(tmp_path: Path) -> None:
    records = plain(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=2, points=4)
    level = records["algorithm"].map({"fedpg": 1.0, "scaffold": 0.0})
    span = records["reference"] - records["random"]
    built(records.assign(objective=records["random"] + level * span), tmp_path)
    rows = table(tmp_path, "leaderboard").set_index("series")
    np.testing.assert_allclose(rows.loc["FedPG", ["area", "final"]].astype(float), 1)
    np.testing.assert_allclose(rows.loc["scaffold", ["area", "final"]].astype(float), 0, atol=1e-12)


# Nothing executed, nothing fetched


def test_words_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script>"
    records = synthetic(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=2, points=3)
    records["algorithm"] = records["algorithm"].replace("scaffold", f"{evil}$^_{{")
    records["reference_meaning"] = evil
    records["initial_momentum"] = evil
    records["family"] = f"{evil}/../.."
    provenance = {evil: {evil: [evil, {evil: evil}]}, "runs": {"finished": evil, "missing": [evil]}}
    text = built(records, tmp_path, title=evil, description=evil, provenance=provenance)
    assert "<script>alert" not in text
    harmless = synthetic(("gridworld",), (0.0,), ("fedpg", "scaffold"), seeds=2, points=3)
    with sketches():
        tame = built(harmless, tmp_path / "tame")
    scripts = [sum(tag == "script" for tag, _ in Page(page).tags) for page in (text, tame)]
    assert scripts[0] == scripts[1]
    assert evil in Page(text).words
    assert all(".." not in name and "<" not in name for name in contents(tmp_path))
    (data,) = explorers(text)
    assert any(evil in line["label"] for line in data["lines"])  # as data, it is what it was


def test_the_page_loads_nothing(drawn: tuple[Path, str]) -> None:
    page = Page(drawn[1])
    assert not page.values("src", "srcset", "action", "data", "poster")
    loaded = [
        a["href"] or ""
        for tag, a in page.tags
        if tag in ("link", "use", "image", "base")
        if "href" in a
    ]
    assert all(link.startswith(("#", "data:")) for link in loaded + page.values("xlink:href"))
    assert drawn[1].count(PLOTLY) == 1
    ours = drawn[1].replace(PLOTLY, "")  # the library names map servers, see below
    assert not re.search(r"""["'(=](https?:)?//[a-z]""", ours.replace("http://www.w3.org", ""))
    assert "@import" not in ours
    (policy,) = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    assert policy is not None
    assert "default-src 'none'" in policy  # nothing is fetched, whatever a script may say
    assert "connect-src" not in policy
    assert "http" not in policy


# Other shapes of study


@pytest.mark.usefixtures("undrawn")
def test_what_was_tuned_for_a_value_names_no_series(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"seeds": 2, "points": 4, "betas": (0.2, 0.5)}
    records = plain(("gridworld",), algorithms=("fedpg", "fedsvrpg-m"), **shape)
    tuned = records.assign(
        step_size=np.where(records["beta"] == 0.5, 0.3, 0.1) * (1 + records["kappa"]),
        rounds=np.where(records["beta"] == 0.5, 40, 20),
    )
    write_report(tuned, PROVENANCE, tmp_path, title="t", description="d")
    names = table(tmp_path, "gridworld-scores")["series"].unique().tolist()
    assert names == ["FedPG", "FedSVRPG-M, beta=0.2", "FedSVRPG-M, beta=0.5"]
    told = table(tmp_path, "gridworld-settings")
    assert {"step_size", "rounds"} <= set(told.columns), "the table of settings has them"
    both = pd.concat([records, records.assign(step_size=9.0, cell=records["cell"] + "x")])
    write_report(both, PROVENANCE, tmp_path, title="t", description="d")
    names = table(tmp_path, "gridworld-scores")["series"].unique().tolist()
    assert any("eta=9" in name for name in names), "needed to tell two lines apart"


@pytest.mark.usefixtures("undrawn")
def test_what_is_drawn_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    records = plain(("gridworld", "cartpole"), (0.0,), ("fedpg",), seeds=2, points=3)
    write_report(records, PROVENANCE, tmp_path, title="t", description="d", tell=told.append)
    assert told[-2:] == ["drawing cartpole (1 of 2)", "drawing gridworld (2 of 2)"]


@pytest.mark.usefixtures("undrawn")
def test_series_are_named_by_what_varies(tmp_path: Path) -> None:
    records = plain(("gridworld",), (0.0,), agents=(1, 4), betas=(0.2, 0.5), seeds=2, points=4)
    built(records, tmp_path)
    names = table(tmp_path, "gridworld-scores")["series"].unique().tolist()
    assert names[:2] == ["FedPG, N=1", "FedPG, N=4"]  # its beta does not vary
    own = [name for name in names if name.startswith("FedHAPG-M")]
    assert own[:3] == [
        "FedHAPG-M, beta=0.2, N=1",
        "FedHAPG-M, beta=0.2, N=4",
        "FedHAPG-M, beta=0.5, N=1",
    ]
    against = table(tmp_path, "gridworld-paired")
    assert (against["series"].str[-3:] == against["baseline"].str[-3:]).all()  # the same N
    assert set(against["baseline"]) == {"FedPG, N=1", "FedPG, N=4"}


def test_what_was_tuned_for_every_n_names_no_series() -> None:
    """Or the curve of one algorithm in N would be cut into as many as it has values of β."""
    shape: dict[str, Any] = {"agents": (1, 4, 16), "seeds": 2, "points": 4}
    records = synthetic(("gridworld",), (0.0,), ("fedpg", "fedsvrpg-m"), **shape)
    own = records["agents"].map({1: 0.5, 4: 1.0, 16: 0.5})
    (family,) = families(records.assign(beta=own.where(records["algorithm"] == "fedsvrpg-m")))
    found = [(series.name, series.variant, series.agents) for series in family.series]
    assert found == [(name, "", n) for name in ("FedPG", "FedSVRPG-M") for n in (1, 4, 16)]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("several", [(0.1, 0.5), (0.5,)])
def test_lambda_is_named_where_eta_does_not_tell(
    several: tuple[float, ...], tmp_path: Path
) -> None:
    """λ that goes with η names nothing; of one η it does."""
    records = plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3)
    servers = {0.1: (0.2,), 0.5: (1.0,)} if len(several) > 1 else {0.5: (1.0, 2.0)}
    cells = [
        records.assign(step_size=eta, local_steps=5, server_step_size=own, cell=f"cell-{eta}-{own}")
        for eta in several
        for own in servers[eta]
    ]
    built(pd.concat(cells), tmp_path)
    named = sorted(table(tmp_path, "gridworld-scores")["series"])
    wanted = ["eta=0.1", "eta=0.5"] if len(several) > 1 else ["lambda=1", "lambda=2"]
    assert named == [f"FedPG, {one}" for one in wanted]


@pytest.mark.usefixtures("undrawn")
def test_of_many_runs_the_page_holds_the_averages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = synthetic(("gridworld",), (0.0,), seeds=3, points=4)
    (few,) = explorers(built(records, tmp_path / "few"))
    monkeypatch.setattr("fedrl.reports.drawing.explorer.MANY", 10)
    (many,) = explorers(built(records, tmp_path / "many"))
    assert few["seeds"] == [0, 1, 2]
    assert many["seeds"] == []
    assert list(many["measures"]) == ["score", "stationarity"]
    for a, b in zip(few["panels"], many["panels"], strict=True):
        for one, other in zip(a["lines"], b["lines"], strict=True):
            assert one["seeds"]
            assert not other["seeds"]
            assert one["averages"]["score"] == other["averages"]["score"]


@pytest.mark.usefixtures("undrawn")
def test_cells_that_no_column_tells_apart_stay_apart(tmp_path: Path) -> None:
    records = plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3)
    twin = records.assign(cell="twin", objective=records["objective"] + 1)
    built(pd.concat([records, twin]), tmp_path)
    assert len(table(tmp_path, "gridworld-scores")) == 2


@pytest.mark.parametrize("shape", [{"seeds": 1}, {"points": 1, "seeds": 2}, {"kappas": (0.5,)}])
def test_small_studies_have_a_page(shape: dict[str, Any], tmp_path: Path) -> None:
    records = synthetic(
        **(
            {
                "families": ("random-mdp",),
                "algorithms": ("fedpg", "scaffold"),
                "points": 4,
            }
            | shape
        )
    )
    text = built(records, tmp_path, provenance={})
    words = Page(text).words
    assert not re.search(r"\bnan\b", words.lower())
    assert "ahead of every other" not in words  # of fewer than six seeds


@pytest.mark.usefixtures("undrawn")
def test_families_with_the_same_file_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    records = plain(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=3)
    twin = records.assign(family="Gridworld!", cell="twin")
    built(pd.concat([records, twin]), tmp_path)
    assert {"gridworld-scores.csv", "gridworld-2-scores.csv"} <= {
        path.name for path in (tmp_path / "tables").iterdir()
    }


# Errors


@pytest.mark.parametrize(
    ("value", "marks"),
    [
        pytest.param(np.nan, True, marks=pytest.mark.long),
        pytest.param(np.inf, True, marks=pytest.mark.long),
        pytest.param(-np.inf, True, marks=pytest.mark.long),
        (-np.inf, False),
    ],
)
def test_a_family_that_diverged_before_it_began_hides_no_other(
    tmp_path: Path, value: float, marks: bool
) -> None:
    """Scores that overflow at θ_0; with `marks` that of the random policy and the reference too."""
    sound = synthetic(("gridworld",), (1.0,), ("fedpg", "fedsvrpg-m"), 2, 4)
    lost = synthetic(("cartpole",), (1.0,), ("fedpg", "fedsvrpg-m"), 2, 4)
    lost = lost[lost["round"] == 0].assign(diverged=True, diverged_round=0.0)
    names = ["objective", "return", "return_worst", "return_best"]
    lost[[*names, *(["random", "reference"] if marks else [])]] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        page = built(pd.concat([sound, lost], ignore_index=True), tmp_path)
    assert "gridworld" in page
    told = table(tmp_path, "cartpole-scores")
    assert told["diverged"].tolist() == [2, 2]


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    records = synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=1, points=2)
    with pytest.raises(ValueError, match="records are empty"):
        built(records.iloc[:0], tmp_path)
    with pytest.raises(ValueError, match="records are empty"):
        built(pd.DataFrame(), tmp_path)
    bad = records.rename(columns={"steps_per_agent": "step_per_agent"}).drop(columns="kappa")
    with pytest.raises(ValueError, match=r"kappa, steps_per_agent \(found step_per_agent\?\)"):
        built(bad, tmp_path)
    with pytest.raises(ValueError, match="unknown metric \\['reward'\\]"):
        built(records.assign(metric="reward"), tmp_path)
    with pytest.raises(ValueError, match="occur twice"):
        built(pd.concat([records, records]), tmp_path)
    with pytest.raises(ValueError, match="objective holds non-finite"):
        built(records.assign(objective=np.nan), tmp_path)
    assert not any(tmp_path.iterdir())


# Numbers in print


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (12000.0, "12\u202f000"),
        (1234.56, "1\u202f235"),
        (0.0123456, "0.0123"),
        (-1.5, "−1.50"),
        (2.5e-5, "2.50·10⁻⁵"),
        (3e9, "3.00·10⁹"),
        (float("inf"), "∞"),
        (float("nan"), "–"),
    ],
)
def test_numbers_in_print(value: float, shown: str) -> None:
    assert formatting.number(value) == shown


def test_powers_of_ten_in_print() -> None:
    assert formatting.power_of_ten(1e-3) == "10⁻³"
    assert formatting.power_of_ten(1e6) == "10⁶"
    assert formatting.power_of_ten(5e-4) == "5·10⁻⁴"
