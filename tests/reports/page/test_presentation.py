"""Laws of what a reader chooses and sees first: names, looks, order, sizes, the matrix."""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sketches import sketches
from test_report import PROVENANCE, synthetic, table, without_pdf

from fedrl.algorithms import ALGORITHMS
from fedrl.reports import write_report
from fedrl.reports.drawing.clipping import span
from fedrl.reports.table.identity import KNOWN, MARKERS, identities
from fedrl.reports.table.presentation import WIDTHS, Presentation
from fedrl.reports.table.records import families
from places import ROOT

# plotly.js-basic-dist-min 4.1.1, as the npm registry serves it
PLOTLY = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


def built(records: Any, out: Path, **shown: Any) -> str:
    words = {"title": "Smoke", "description": "A synthetic study."}
    page = write_report(records, PROVENANCE | {"presentation": shown}, out, **words)
    return page.read_text("utf-8")


def small(**options: Any) -> Any:
    algorithms = ("fedpg", "fedsvrpg-m", "scaffold")
    shape: dict[str, Any] = {"kappas": (0.0,), "algorithms": algorithms, "seeds": 2, "points": 4}
    records = synthetic(**{"families": ("gridworld",), **shape, **options})
    return records.drop(columns=[name for name in records if name.startswith("diagnostic_")])


CHOSEN: dict[str, Any] = {
    "labels": {"scaffold": "Ours"},
    "size": "icml-column",
    "baseline": "scaffold",
}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder and page of a report as `CHOSEN`."""
    out = tmp_path_factory.mktemp("chosen")
    return out, built(small(), out, **CHOSEN)


def test_every_algorithm_has_a_name_and_a_look_of_its_own() -> None:
    assert set(KNOWN) == set(ALGORITHMS)
    assert len({own.name for own in KNOWN.values()}) == len(KNOWN)
    assert {own.marker for own in KNOWN.values()} <= set(MARKERS)
    # More than colours times dashes: of those that share both, markers differ.
    assert len({(own.colour, own.dash, own.marker) for own in KNOWN.values()}) == len(KNOWN)


def test_looks_do_not_depend_on_what_else_is_in_a_report() -> None:
    alone, among = identities(("fedpg", "mine")), identities(("fedsvrpg-m", "mine", "fedpg"))
    assert alone["fedpg"] == among["fedpg"] == KNOWN["fedpg"]
    assert alone["mine"].name == "mine"
    many = identities(("fedpg", "fedsvrpg-m", *"abcdefgh"))
    assert len({(own.colour, own.dash) for own in many.values()}) == len(many)


def test_the_library_on_the_page_is_the_one_that_was_read() -> None:
    source = (ROOT / "reports/page/vendor/plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(source).hexdigest() == PLOTLY
    assert "MIT" in (ROOT / "reports/page/vendor/LICENSE.plotly").read_text("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_labels_order_and_families_are_as_chosen(tmp_path: Path) -> None:
    records = small(families=("gridworld", "cartpole"))
    shown = {"labels": {"scaffold": "Ours $x$"}, "order": ["scaffold"], "families": ["cartpole"]}
    text = built(records, tmp_path, **shown)
    names = table(tmp_path, "cartpole-scores")["series"].tolist()
    assert names == ["Ours $x$", "FedPG", "FedSVRPG-M"]
    assert "family-gridworld" not in text
    assert not (tmp_path / "tables/gridworld-scores.csv").exists()


def test_the_baseline_is_as_chosen(chosen: tuple[Path, str]) -> None:
    assert set(table(chosen[0], "gridworld-paired")["baseline"]) == {"Ours"}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"baseline": "fedpq"}, "baseline: no 'fedpq' here; did you mean 'fedpg'?"),
        ({"labels": {"nobody": "Ours"}}, "label: no 'nobody' here; known: fedpg"),
        ({"labels": {"fedsvrpg-m": "FedPG"}}, "two algorithms would be called 'FedPG'"),
        ({"families": ["gridword"]}, "did you mean 'gridworld'?"),
        ({"size": "aaai"}, "size: no 'aaai' here; known: icml"),
        ({"sizes": "icml"}, "unexpected keyword argument 'sizes'"),
    ],
)
def test_a_wrong_choice_is_named(shown: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        built(small(), tmp_path, **shown)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "size", ["icml", *(pytest.param(s, marks=pytest.mark.long) for s in WIDTHS if s != "icml")]
)
def test_figures_fit_the_columns_of_a_venue_and_have_its_fonts(size: str, tmp_path: Path) -> None:
    records = small(families=("gridworld", "cartpole"), points=3)
    with sketches("pdf"):
        built(records, tmp_path, size=size)
    widths = {72 * inches for inches in (*WIDTHS[size], 6.75 if size != "neurips" else 5.5)}
    for path in (tmp_path / "figures").glob("*.pdf"):
        content = path.read_bytes()
        (width,) = set(re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ", content))
        assert float(width) == pytest.approx(min(widths, key=lambda w: abs(w - float(width)))), path
        assert b"/Type3" not in content.replace(b" ", b""), path
        assert b"/CIDFontType2" in content.replace(b" ", b""), path


@pytest.mark.usefixtures("undrawn")
def test_one_figure_has_all_families(tmp_path: Path) -> None:
    built(small(families=("gridworld", "cartpole"), kappas=(0.0, 1.0)), tmp_path)
    assert (tmp_path / "figures/all-families.pdf").exists()
    assert "All families at κ = 1" in (tmp_path / "index.html").read_text("utf-8")


def test_a_chosen_report_is_the_same_again(chosen: tuple[Path, str], tmp_path: Path) -> None:
    """All but PDFs: those of another process have the same bytes in test_report."""
    built(small(), tmp_path, **CHOSEN)
    assert without_pdf(chosen[0]) == without_pdf(tmp_path)


@pytest.mark.usefixtures("undrawn")
def test_the_matrix_is_the_area_of_the_runs(tmp_path: Path) -> None:
    text = built(small(kappas=(0.0, 1.0), seeds=3), tmp_path)
    rows = table(tmp_path, "matrix").set_index("place")
    assert list(rows.index) == ["all settings", "κ = 0", "κ = 1"]
    scores = table(tmp_path, "gridworld-scores").query("series == 'FedPG'").set_index("kappa")
    scaled = (scores["auc"] - scores["random"]) / (scores["reference"] - scores["random"])
    np.testing.assert_allclose(rows["FedPG"].iloc[1:].astype(float), scaled, rtol=1e-3)
    assert text.index('id="table-matrix"') < text.index('class="explorer"')
    assert len(re.findall('<tr class="inner"', text)) == 2


def test_figures_and_tables_are_numbered_in_the_order_of_the_page(
    chosen: tuple[Path, str],
) -> None:
    _, text = chosen
    for kind in ("Figure", "Table"):
        found = [int(n) for n in re.findall(rf"<strong>{kind} (\d+)\.", text)]
        assert found == list(range(1, len(found) + 1)) != []


def test_a_collapse_is_cut_off_and_marked(tmp_path: Path) -> None:
    records = small()
    (family,) = families(records)
    assert span(family.runs, [run.score for run in family.runs]) is None
    worst = records["round"].max()
    lost = (records["algorithm"] == "scaffold") & (records["round"] == worst)
    fallen = records.assign(objective=records["objective"].mask(lost, -1e6))
    (family,) = families(fallen)
    ends = span(family.runs, [run.score for run in family.runs])
    assert ends is not None
    low, high = records["random"].min(), records["reference"].max()
    assert ends[0] == pytest.approx(2 * low - high, rel=0.1)
    text = built(fallen, tmp_path)
    assert "marked by a triangle at the edge" in text


def test_a_presentation_is_read_back_as_it_was_told() -> None:
    chosen = Presentation("a", {"b": "Ours"}, ("b",), ("c",), "icml")
    assert Presentation.of({"presentation": chosen.told}) == chosen
    assert Presentation.of({}) == Presentation()
    assert pd.Series(Presentation().told).empty
