"""Laws of the surfaces to explore: they show what is chosen, and the address holds it."""

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from designs import designed, provenance
from fedrl.reports import write_report
from fedrl.reports.table.surfaces.from_records import surfaces

Open = Callable[..., Chrome]
HERE = "#gridworld-surface"


@pytest.fixture(scope="module")
def records() -> Any:
    return designed(
        families=("gridworld",),
        agents=(4,),
        algorithms=("fedpg", "fedhapg-m"),
        seeds=2,
        evaluations=4,
    )


@pytest.fixture(scope="module")
def address(records: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a small study with a design; `visit` opens it."""
    words = {"title": "Design", "description": "A synthetic study."}
    out = tmp_path_factory.mktemp("design")
    return write_report(records, provenance("grid", records), out, **words).as_uri()


def fields(driver: Chrome) -> list[list[float]]:
    """The values of the map, once it is drawn."""
    script = """
        const plot = document.getElementById("surface-plot-gridworld");
        return plot.data && plot.data[0].z.map((row) => [...row]);"""
    return WebDriverWait(driver, 30).until(lambda d: d.execute_script(script))


def choose(driver: Chrome, key: str, value: str) -> None:
    found = driver.find_element(By.CSS_SELECTOR, f"#surface-gridworld [data-choose={key}]")
    Select(found).select_by_value(value)


def test_a_map_shows_the_best_the_mean_and_the_diverged(visit: Open, records: Any) -> None:
    surface = next(s for s in surfaces(records).surfaces if s.algorithm == "fedhapg-m")
    cube = surface.means[0].round(3).reshape(surface.shape)  # η, K, λ, β
    lost = surface.diverged[0].mean(axis=1).round(3).reshape(surface.shape)
    driver = visit(HERE)
    assert fields(driver) == pytest.approx(cube.max(axis=(1, 2)).T)
    choose(driver, "of", "mean")
    assert fields(driver) == pytest.approx(cube.mean(axis=(1, 2)).T)
    choose(driver, "of", "lost")
    assert fields(driver) == pytest.approx(lost.mean(axis=(1, 2)).T)
    choose(driver, "x", "local_steps")
    assert fields(driver) == pytest.approx(lost.mean(axis=(0, 2)).T)


def test_an_algorithm_has_only_its_own_hyperparameters(visit: Open) -> None:
    driver = visit(HERE)
    fields(driver)
    choose(driver, "algorithm", "fedpg")
    assert len(fields(driver)) == 3  # λ in place of β
    beta = "#surface-gridworld [data-choose={}] option[value=beta]"
    for key in ("x", "y"):
        assert not driver.find_element(By.CSS_SELECTOR, beta.format(key)).is_enabled()


def test_the_address_holds_what_was_chosen(visit: Open) -> None:
    driver = visit(HERE)
    fields(driver)
    choose(driver, "algorithm", "fedpg")
    choose(driver, "at", "1")
    choose(driver, "of", "mean")
    before, words = fields(driver), driver.execute_script("return location.hash")
    assert words.startswith(f"{HERE}?")
    driver = visit(words)
    assert fields(driver) == before
    driver.find_element(By.CSS_SELECTOR, "#surface-gridworld [data-reset]").click()
    assert driver.execute_script("return location.hash") == HERE
    assert fields(driver) != before


def test_unknown_words_and_equal_axes_show_what_is_usual(visit: Open) -> None:
    usual = fields(visit(HERE))
    assert fields(visit(f"{HERE}?algorithm=none&x=nothing&at=77")) == usual
    assert len(fields(visit(f"{HERE}?x=beta&y=beta"))) != 0


@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_the_page_is_never_wider_than_the_screen(visit: Open, width: int) -> None:
    driver = visit(HERE, width)
    fields(driver)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_without_scripts_there_are_only_figures(visit: Open) -> None:
    driver = visit(HERE, scripts=False)
    assert not driver.find_element(By.ID, "surface-gridworld").is_displayed()
    assert driver.find_element(By.ID, "figure-gridworld-map-beta-step-size").is_displayed()
