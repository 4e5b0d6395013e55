"""Laws of the page of a study with a design, as a grid and as a Sobol set."""

import html
import json
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from elsewhere import Copies
from sketches import sketches
from test_paper import balanced
from test_report import Page, built, contents, synthetic, table, without_pdf

from designs import VALUES, designed, provenance
from fedrl.reports.sensitivity import design_contents
from fedrl.reports.sensitivity.transfer import transfer
from fedrl.reports.statistics import sensitivity_statistics as ss
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.from_records import surfaces
from fedrl.reports.table.surfaces.tuning_sensitivity import gammas


def study(kind):
    return designed(
        kind,
        families=("gridworld", "cartpole"),
        agents=(4, 16) if kind == "grid" else (4,),
        algorithms=("fedpg", "fedhapg-m"),
        evaluations=4,
        count=32,
    )


@pytest.fixture(scope="module", autouse=True)
def _few_resamples():
    """Enough for an interval; with 500 they take a third of the time of a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design_contents, "Sensitivity", partial(Sensitivity, redrawn=60))
        yield


@pytest.fixture(scope="module", params=["grid", pytest.param("sobol", marks=pytest.mark.long)])
def report(request, tmp_path_factory):
    """(kind, records, folder, page); figures are sketches."""
    records, out = study(request.param), tmp_path_factory.mktemp("report")
    with sketches():
        text = built(records, out, provenance=provenance(request.param, records))
    return request.param, records, out, text


@pytest.mark.long
def test_rebuilding_and_shuffling_change_no_byte(report, tmp_path):
    """All but PDFs, which are drawn from the same figures."""
    kind, records, *_ = report
    built(records, tmp_path / "first", provenance=provenance(kind, records))
    shuffled = records.sample(frac=1, random_state=3)
    built(shuffled, tmp_path / "second", provenance=provenance(kind, records))
    first, second = without_pdf(tmp_path / "first"), without_pdf(tmp_path / "second")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_drawn_elsewhere_a_report_has_the_same_bytes(report, tmp_path, undrawn):
    kind, records, out, _ = report
    pool = Copies()
    built(records, tmp_path, provenance=provenance(kind, records), pool=pool)
    assert pool.drawn == 3  # all environments, and two families
    assert without_pdf(tmp_path) == without_pdf(out)


def test_every_section_is_linked_and_every_file_is_there(report):
    _, _, out, text = report
    page = Page(text)
    ids, links = page.values("id"), page.values("href")
    assert len(ids) == len(set(ids))
    inside = {link[1:] for link in links if link.startswith("#")}
    assert inside <= set(ids)
    assert {"sensitivity", "sensitivity-plane", "guideline-fedpg", "guideline-fedhapg-m"} <= inside
    for family in ("gridworld", "cartpole"):
        parts = ("best", "response", "surface", "importance", "transfer", "learning")
        assert {f"{family}-{part}" for part in parts} <= inside
    files = {link for link in links if link.startswith(("figures/", "tables/"))}
    pages = (".html", "report.tex", "summary.md")
    written = {name for name in contents(out) if not name.endswith(pages)}
    assert files == written


def test_the_document_is_balanced_and_complete(report):
    _, _, out, _ = report
    source = (out / "report.tex").read_text()
    assert balanced(source)
    body = source[source.index(r"\begin{document}") :]
    named = re.findall(r"\\(?:input|fit|drawing)\{((?:tables|figures)/[^}]+)\}", body)
    paths = [*out.glob("tables/*.tex"), *out.glob("figures/*.pdf")]
    assert sorted(named) == sorted(path.relative_to(out).as_posix() for path in paths)
    beyond = {
        sign
        for path in [out / "report.tex", *out.glob("tables/*.tex")]
        for sign in path.read_text()
    }
    assert {sign for sign in beyond if sign > "ÿ"} == set()


def test_sensitivity_table_holds_the_statistics(report):
    kind, records, out, text = report
    found = surfaces(records)
    values, kept = gammas(found.surfaces)
    rows = table(out, "sensitivity").set_index("algorithm")
    assert len(kept) == (8 if kind == "grid" else 4)
    for surface, gamma in zip(found.surfaces, values, strict=True):
        row = rows.loc[surface.algorithm]
        assert row["plug_in"] == pytest.approx(ss.plug_in(gamma, ss.sensitivity), rel=1e-9)
        assert row["phi_low"] <= row["phi"] <= row["phi_high"]
        assert row["tuned"] - row["phi"] == pytest.approx(row["shared"], abs=1e-9)
        assert row["lost"] == pytest.approx(surface.diverged.any(axis=2).mean(), rel=1e-9)
        assert np.isfinite(row["d"]) == (kind == "grid")
    assert ("d needs a full grid" in text) == (kind == "sobol")


def test_every_setting_stands_in_the_data(report):
    _, records, out, _ = report
    rows = table(out, "design-settings")
    assert sorted(rows["cell"]) == sorted(records["cell"].unique())
    plain = rows[rows["algorithm"] == "fedpg"]
    assert plain["beta"].isna().all()
    assert rows[rows["algorithm"] == "fedhapg-m"][list(VALUES)].notna().all(axis=None)


def test_guidelines_on_the_page_are_those_of_the_table(report):
    _, _, out, text = report
    rows = table(out, "guidelines")
    assert {"gain of tuning", "range", "importance", "divergence"} <= set(rows["rule"])
    for algorithm, own in rows.groupby("algorithm"):
        section = text[text.index(f'<section id="guideline-{algorithm}"') :]
        shown = re.findall(r"<li>(.*?)</li>", section[: section.index("</section>")])
        assert [html.unescape(one) for one in shown] == list(own["says"])


def test_explorers_hold_every_mean(report):
    _, records, _, text = report
    found = {s.algorithm: s for s in surfaces(records).surfaces}
    scripts = re.findall(r'<script type="application/json" class="data">(.*?)</script>', text)
    shown = [one for one in map(json.loads, scripts) if "surfaces" in one]
    assert [one["anchor"] for one in shown] == ["cartpole-surface", "gridworld-surface"]
    for one, family in zip(shown, ("cartpole", "gridworld"), strict=True):
        assert set(one["surfaces"]) == set(found)
        for algorithm, own in one["surfaces"].items():
            surface = found[algorithm]
            means = surface.means[surface.of(family)]
            assert np.sort(np.ravel(own["value"])) == pytest.approx(
                np.sort(means.ravel()), abs=5e-4
            )
            for name, fields in own["fields"].items():
                assert set(own["at"][name]) == set(range(len(fields)))


def test_learning_curves_are_of_best_median_and_worst(report):
    _, _, out, _ = report
    for family in ("gridworld", "cartpole"):
        rows = table(out, f"{family}-shown")
        for _, own in rows.groupby("algorithm"):
            assert list(own["shown_as"]) == ["best", "median", "worst"]
            assert own["performance"].is_monotonic_decreasing


def test_importance_on_the_page_is_that_of_the_provenance(report):
    kind, records, out, _ = report
    for family in ("gridworld", "cartpole"):
        rows = table(out, f"{family}-importances").set_index(["place", "algorithm"])
        told = [r for r in provenance(kind, records)["importance"] if r["family"] == family]
        shown = rows[[*VALUES]].to_numpy().ravel()
        assert np.sort(shown[np.isfinite(shown)]) == pytest.approx(
            np.sort([r["importance"] for r in told])
        )
        assert rows.xs("fedpg", level="algorithm")["beta"].isna().all()


def test_numbers_by_level_are_those_of_their_environments(report):
    """The plug-in Φ at κ = 1 from Γ of its environments alone, on the scale of all."""
    _, records, out, _ = report
    found = surfaces(records)
    values, kept = gammas(found.surfaces)
    rows = table(out, "sensitivity-change").set_index(["algorithm", "of", "level"])
    for surface, gamma in zip(found.surfaces, values, strict=True):
        own = [i for i, e in enumerate(kept) if surface.environments[e].kappa == 1]
        row = rows.loc[(surface.algorithm, "κ", 1.0)]
        assert row["environments"] == len(own)
        assert row["plug_in"] == pytest.approx(ss.plug_in(gamma[own], ss.sensitivity), rel=1e-9)


def test_sizes_and_what_provenance_prints(report):
    _, _, _, text = report
    assert len(text) < 10e6
    assert "importance" not in Page(text).words.split("Provenance")[-1]


def test_without_importance_and_design_the_page_speaks_for_itself(tmp_path):
    records = designed(
        families=("gridworld",),
        kappas=(0.5,),
        agents=(4,),
        algorithms=("fedpg",),
        seeds=2,
        evaluations=3,
    )
    text = built(records, tmp_path, provenance={})
    page = Page(text)
    assert "gridworld-importance" not in page.values("id")
    assert "gridworld-transfer" not in page.values("id")  # one environment
    assert "sensitivity-change" not in page.values("id")
    assert "PED-ANOVA" not in page.words


@pytest.mark.usefixtures("undrawn")
def test_other_studies_have_no_sensitivity(tmp_path):
    text = built(synthetic(("gridworld",), (0.0,), ("fedpg",), seeds=2, points=4), tmp_path)
    assert "sensitivity" not in Page(text).values("id")
    assert "exploreSurface" not in text


def test_transfer_of_known_settings():
    """Setting 0 is best in environment 0, 1 in 1, and each is worth half in the other."""
    runs = np.repeat(np.array([[[1.0], [0.5]], [[0.4], [0.8]]]), 4, axis=2)
    np.testing.assert_allclose(transfer(runs, Sensitivity()), [[1, 0.5], [0.5, 1]])
    lost = np.repeat(np.array([[[1.0], [0.5]], [[-0.4], [-0.8]]]), 4, axis=2)
    shares = transfer(lost, Sensitivity())
    assert shares[0, 0] == 1
    assert np.isnan(shares[:, 1]).all()


def test_transfer_rewards_no_noise():
    """Equal settings: whatever is chosen anywhere is worth the same everywhere."""
    draw = np.random.default_rng(3)
    shares = [transfer(1 + 0.1 * draw.normal(size=(3, 20, 4)), Sensitivity()) for _ in range(200)]
    off = np.array(shares)[:, ~np.eye(3, dtype=bool)]
    assert off.mean() == pytest.approx(1, abs=4 * off.mean(axis=1).std() / np.sqrt(200))
    assert pd.Series(off.mean(axis=1)).std() < 0.1
