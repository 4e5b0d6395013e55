"""The speed-up section against records whose slope and exponent are known."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fedrl.benchmark.publishing.records import with_theory
from fedrl.reports import write_report

POINTS = 120


def study(
    slopes: dict[str, float],
    exponents: dict[str, float],
    agents: tuple[int, ...] = (1, 2, 4, 8),
    seeds: int = 6,
    **constant: Any,
) -> Any:
    """‖∇J‖² = min(½, (c N^−b / steps)^(1/ρ)), so that T(ε) = c N^b ε^−ρ on a geometric grid."""
    rows: list[dict[str, Any]] = []
    for algorithm, b in slopes.items():
        rho = exponents[algorithm]
        for n in agents:
            for seed in range(seeds):
                draw = np.random.default_rng([seed, n, len(algorithm)])
                c = 3 * 10 ** (2 * (rho - 1)) * np.exp(0.08 * draw.normal())
                steps = np.concatenate([[0.0], np.geomspace(1, 1e7, POINTS - 1)])
                with np.errstate(divide="ignore"):
                    gradient = np.minimum(0.5, (c * n**b / steps) ** (1 / rho))
                rows += [
                    {"study": "scaling", "family": "random-mdp", "kappa": 0.0}
                    | {"algorithm": algorithm, "agents": n, "seed": seed}
                    | {"cell": f"{algorithm}-{n}", "round": i, "steps_per_agent": steps[i]}
                    | {"trajectories_per_agent": i, "steps_total": n * steps[i]}
                    | {"trajectories_total": n * i, "floats_up": i, "floats_down": i}
                    | {"seconds": 1.0 * i, "objective": 1 - gradient[i], "return": 1.0}
                    | {"return_worst": 0.0, "return_best": 1.0, "stationarity": gradient[i]}
                    | {"diverged": False, "diverged_round": np.nan, "metric": "objective"}
                    | {"reference": 1.0, "reference_meaning": "optimum", "random": 0.4}
                    | constant
                    for i in range(POINTS)
                ]
    return with_theory(pd.DataFrame(rows))


def written(records: Any, out: Path) -> tuple[str, Any]:
    page = write_report(records, {}, out, title="Scaling", description="Known exponents.")
    path = out / "tables" / "random-mdp-speedup.csv"
    return page.read_text(), pd.read_csv(path).set_index("series") if path.exists() else None


@pytest.fixture(scope="module")
def scaling(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Path]:
    out = tmp_path_factory.mktemp("scaling")
    slopes = {"fedsvrpg-m": -1.0, "fedpg": -0.5, "mine": -1.0}
    exponents = {"fedsvrpg-m": 1.5, "fedpg": 1.5, "mine": 1.5}
    return *written(study(slopes, exponents), out), out


def test_known_slopes_and_exponents_come_back(scaling: tuple[str, Any, Path]) -> None:
    _, fit, _ = scaling
    assert fit.loc["FedSVRPG-M", "slope"] == pytest.approx(-1, abs=0.06)
    assert fit.loc["FedPG", "slope"] == pytest.approx(-0.5, abs=0.06)
    np.testing.assert_allclose(fit["exponent"], 1.5, atol=0.06)
    assert fit.loc["FedSVRPG-M", "verdict"] == "shown"
    assert fit.loc["FedPG", "verdict"] == "refuted"


def test_theory_stands_beside_the_fit(scaling: tuple[str, Any, Path]) -> None:
    _, fit, _ = scaling
    assert fit.loc["FedSVRPG-M", ["theory_slope", "theory_exponent"]].tolist() == [-1, 1.5]
    assert fit.loc["FedPG", ["theory_slope", "theory_exponent"]].tolist() == [-1, 2]
    assert fit.loc["mine", ["theory_slope", "theory_exponent"]].isna().all()


def test_sentences_say_where_theory_and_measurement_part(scaling: tuple[str, Any, Path]) -> None:
    text, fit, _ = scaling
    section = text[text.index('id="random-mdp-speedup"') :]
    said = section[section.index("<p>") : section.index("</p>")]
    fedpg = said[said.index("FedPG at") : said.index("FedSVRPG-M at")]
    assert "more agents save less than theory's" in fedpg.replace("&#39;", "'")
    assert "smaller ε cost less than theory's bound 2" in fedpg.replace("&#39;", "'")
    assert "linear speed-up is refuted" in fedpg
    own = said[said.index("FedSVRPG-M at") : said.index("mine at")]
    assert "linear speed-up is shown" in own
    low, high = fit.loc["FedSVRPG-M", ["slope_low", "slope_high"]]
    assert ("more agents save" in own) != (low <= -1 <= high)


def test_efficiency_falls_where_the_slope_is_not_linear(scaling: tuple[str, Any, Path]) -> None:
    *_, out = scaling
    rows = pd.read_csv(out / "tables" / "random-mdp-efficiency.csv").set_index("series")
    assert rows.loc["FedPG", "efficiency_1"] == 1
    assert rows.loc["FedPG", "efficiency_8"] == pytest.approx(8**-0.5, rel=0.15)
    assert rows.loc["FedSVRPG-M", "efficiency_8"] == pytest.approx(1, rel=0.15)
    assert (out / "figures" / "random-mdp-speedup.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.usefixtures("undrawn")
def test_a_recorded_exponent_is_the_one_shown(tmp_path: Path) -> None:
    records = study({"fedpg": -1.0}, {"fedpg": 1.5}, seeds=3, theory_exponent=1.25)
    assert written(records, tmp_path)[1].loc["FedPG", "theory_exponent"] == 1.25


def test_every_claimed_rate_has_its_line() -> None:
    """As the papers have it: to ‖∇J‖² ≤ ε, O(ε^−3/2), and O(ε^−5/3) of FedPG-BR."""
    claimed = {"fedhapg-m2": 1.5, "mfpo": 1.5, "fedpg-br": 5 / 3, "fedpg-m": 2.0, "mine": np.nan}
    records = with_theory(pd.DataFrame({"algorithm": list(claimed)}))
    np.testing.assert_array_equal(records["theory_exponent"], list(claimed.values()))


@pytest.mark.usefixtures("undrawn")
def test_without_the_column_there_is_no_theory(tmp_path: Path) -> None:
    records = study({"fedpg": -1.0}, {"fedpg": 1.5}, seeds=3).drop(columns="theory_exponent")
    fit = written(records, tmp_path)[1]
    assert fit.loc["FedPG", ["theory_slope", "theory_exponent"]].isna().all()


@pytest.mark.usefixtures("undrawn")
def test_two_numbers_of_agents_make_no_section(tmp_path: Path) -> None:
    text, fit = written(study({"fedpg": -1.0}, {"fedpg": 1.5}, (1, 4), seeds=2), tmp_path)
    assert fit is None
    assert "Speed-up in N" not in text


@pytest.mark.usefixtures("undrawn")
def test_nothing_hit_is_said(tmp_path: Path) -> None:
    records = study({"fedpg": -1.0}, {"fedpg": 1.5}, seeds=2).assign(stationarity=0.5)
    text, fit = written(records, tmp_path)
    assert fit.loc["FedPG", "verdict"] == "not identifiable"
    assert "FedPG at κ = 0: not identifiable, no attempt hit." in text


@pytest.mark.usefixtures("undrawn")
def test_without_stationarity_targets_of_the_score_are_used(tmp_path: Path) -> None:
    records = study({"fedpg": -1.0}, {"fedpg": 1.5}, seeds=3).assign(stationarity=np.nan)
    _, fit = written(records, tmp_path)
    assert fit.loc["FedPG", "slope"] == pytest.approx(-1, abs=0.1)
    assert np.isnan(fit.loc["FedPG", "theory_exponent"])


@pytest.mark.usefixtures("undrawn")
def test_what_hangs_on_one_seed_has_no_bounds(tmp_path: Path) -> None:
    records = study({"fedpg": -1.0}, {"fedpg": 1.5}, seeds=3)
    records.loc[records["seed"] > 0, "stationarity"] = 0.5
    text, fit = written(records, tmp_path)
    assert np.isinf(fit.loc["FedPG", "slope_low"])
    assert "hangs on one seed and has no bounds; linear speed-up is undecided" in text


def test_ids_of_the_page_are_unique(scaling: tuple[str, Any, Path]) -> None:
    ids = re.findall(r'\bid="([^"]*)"', scaling[0])
    assert len(ids) == len(set(ids))
