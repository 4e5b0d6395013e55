"""Laws of pages with too many lines to tell apart: the best of each algorithm is shown first."""

from collections.abc import Callable

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from test_page import button, drawn
from test_report import PROVENANCE, synthetic

from fedrl.reports import write_report

Open = Callable[..., Chrome]
HERE = "#gridworld-learning"
BETAS = (0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 1.0)  # of two algorithms; with `scaffold` 15 lines


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = synthetic(
        ("gridworld",), (0.0,), ("fedsvrpg-m", "fedhapg-m", "scaffold"), seeds=2, points=6,
        betas=BETAS,
    )  # fmt: skip
    out = tmp_path_factory.mktemp("many")
    return write_report(records, PROVENANCE, out, title="Many", description="Synthetic.").as_uri()


def lines(driver: Chrome) -> set[str]:
    return {trace["line"] for trace in drawn(driver) if trace["kind"] == "average"}


def test_one_line_of_each_algorithm_until_others_are_asked_for(visit: Open) -> None:
    driver = visit(HERE)
    first = lines(driver)
    assert sorted(label.partition(",")[0] for label in first) == [
        "FedHAPG-M",
        "FedSVRPG-M",
        "scaffold",
    ]
    driver.find_element(By.CSS_SELECTOR, "#explore-gridworld details.more summary").click()
    button(driver, "all 15").click()
    every = lines(driver)
    assert len(every) == 2 * len(BETAS) + 1
    shown = driver.execute_script("return location.hash")
    assert shown.count("show=") == len(every - first)
    assert lines(visit(shown)) == every
    again = visit(HERE)
    own = next(iter(first))
    button(again, own).click()
    assert lines(again) == first - {own}
    assert lines(visit(again.execute_script("return location.hash"))) == first - {own}
