"""Laws of the page in a browser: controls do what they say, and it is usable by everyone."""

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

Open = Callable[..., Chrome]
HERE = "#gridworld-learning"


def drawn(driver: Chrome, family: str = "gridworld") -> list[dict[str, Any]]:
    """The traces of a family's plot, once it is drawn."""
    script = f"""
        const plot = document.getElementById("plot-{family}");
        return plot.data && plot.data.map(({{ x, y, meta }}) => ({{ x, y, ...meta }}));"""
    return WebDriverWait(driver, 30).until(lambda d: d.execute_script(script))


def control(driver: Chrome, selector: str, family: str = "gridworld") -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, f"#explore-{family} {selector}")


def button(driver: Chrome, label: str, family: str = "gridworld") -> WebElement:
    path = f"//div[@id='explore-{family}']//button[normalize-space()='{label}']"
    return driver.find_element(By.XPATH, path)


def averages(traces: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(t["panel"], t["line"]): t for t in traces if t["kind"] == "average"}


def seeds(traces: list[dict[str, Any]]) -> set[int]:
    return {trace["seed"] for trace in traces if trace["kind"] == "seed"}


def shown(driver: Chrome, selector: str) -> bool:
    return driver.find_element(By.CSS_SELECTOR, selector).is_displayed()


# The curves


def test_every_algorithm_and_panel_is_drawn_at_first_and_no_seed(visit: Open) -> None:
    traces = drawn(visit(HERE))
    names = {"FedPG", "FedHAPG-M", "FedSVRPG-M", "scaffold"}
    assert set(averages(traces)) == {(f"κ = {k}", name) for k in (0, 1) for name in names}
    assert seeds(traces) == set()


def test_the_x_axis_can_be_changed(visit: Open) -> None:
    driver = visit(HERE)
    before = averages(drawn(driver))[("κ = 0", "FedPG")]
    choice = Select(control(driver, "[data-choose=x]"))
    ends = {}
    for option in choice.options:
        choice.select_by_value(option.get_attribute("value"))
        own = averages(drawn(driver))[("κ = 0", "FedPG")]
        assert own["y"] == pytest.approx(before["y"])  # equal steps per round: only x changes
        ends[option.get_attribute("value")] = own["x"][-1]
    assert ends["steps_total"] == pytest.approx(4 * ends["steps_per_agent"])  # four agents
    assert ends["round"] == 65
    assert ends["floats"] == 1600 * 13
    assert ends["seconds"] == pytest.approx(1.3 * 13)
    title = "return document.getElementById('plot-gridworld').layout.xaxis.title.text"
    assert driver.execute_script(title) == "rounds"


def test_the_measure_can_be_changed(visit: Open) -> None:
    driver = visit(HERE)
    score = averages(drawn(driver))
    Select(control(driver, "[data-choose=y]")).select_by_value("diagnostic_weight_max")
    weights = averages(drawn(driver))
    assert {name for _, name in weights} == {"FedHAPG-M", "FedSVRPG-M"}  # the others have none
    assert weights["κ = 0", "FedHAPG-M"]["y"] != score["κ = 0", "FedHAPG-M"]["y"]
    kind = "return document.getElementById('plot-gridworld').layout.yaxis.type"
    assert driver.execute_script(kind) == "log"


def test_algorithms_and_seeds_can_be_hidden(visit: Open) -> None:
    driver = visit(HERE)
    drawn(driver)
    toggle = button(driver, "FedPG")
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "false"
    assert "FedPG" not in {trace["line"] for trace in drawn(driver)}
    toggle.click()
    assert "FedPG" in {trace["line"] for trace in drawn(driver)}
    button(driver, "3").click()
    assert seeds(drawn(driver)) == {3}
    every = button(driver, "all seeds")
    assert every.get_attribute("aria-pressed") == "false"
    every.click()
    assert seeds(drawn(driver)) == {0, 1, 2, 3, 4}
    every.click()
    assert seeds(drawn(driver)) == set()
    button(driver, "average over seeds").click()
    assert driver.execute_script("return document.getElementById('plot-gridworld').data") == []
    button(driver, "reset").click()
    assert len(averages(drawn(driver))) == 8


def test_a_diverged_seed_is_marked(visit: Open) -> None:
    driver = visit("#cartpole-learning?seeds=0,1,2,3,4")
    marks = [trace for trace in drawn(driver, "cartpole") if trace["kind"] == "diverged"]
    assert [(mark["panel"], mark["line"], mark["seed"]) for mark in marks] == [
        ("κ = 1", "FedHAPG-M", 2)
    ]
    button(driver, "2", "cartpole").click()
    assert "diverged" not in {trace["kind"] for trace in drawn(driver, "cartpole")}


def test_pointing_at_a_curve_tells_its_numbers(visit: Open) -> None:
    driver = visit(HERE)
    drawn(driver)
    driver.execute_script("""
        const plot = document.getElementById("plot-gridworld");
        const curve = plot.data.findIndex((trace) => trace.meta.kind === "average");
        Plotly.Fx.hover(plot, [{ curveNumber: curve, pointNumber: 5 }]);""")
    label = control(driver, ".hoverlayer").text
    name = averages(drawn(driver))
    assert any(line in label for _, line in name)
    assert "[" in label  # the interval


# Charts


def chart(driver: Chrome, anchor: str) -> list[dict[str, Any]]:
    """The lines of a chart that belong to an algorithm, once it is drawn."""
    return [trace for trace in drawn(driver, anchor) if trace["kind"] == "line"]


def toggle(driver: Chrome, group: str, label: str) -> WebElement:
    path = f"//div[@id='{group}']//button[normalize-space()='{label}']"
    return driver.find_element(By.XPATH, path)


CHARTS = ["gridworld-steps", "gridworld-kappa", "cartpole-steps", "performance", "runtime"]


@pytest.mark.parametrize("anchor", CHARTS)
def test_a_chart_hides_and_shows_algorithms(visit: Open, anchor: str) -> None:
    driver = visit(f"#{anchor}")
    before = {trace["line"] for trace in chart(driver, anchor)}
    assert before == {"FedPG", "FedHAPG-M", "FedSVRPG-M", "scaffold"}
    own = toggle(driver, f"chart-{anchor}", "scaffold")
    own.click()
    assert own.get_attribute("aria-pressed") == "false"
    assert {trace["line"] for trace in chart(driver, anchor)} == before - {"scaffold"}
    assert driver.execute_script("return location.hash") == f"#{anchor}?hide=scaffold"
    again = visit(f"#{anchor}?hide=scaffold&hide=nobody")
    assert {trace["line"] for trace in chart(again, anchor)} == before - {"scaffold"}
    toggle(again, f"chart-{anchor}", "reset").click()
    assert {trace["line"] for trace in chart(again, anchor)} == before


@pytest.mark.parametrize("anchor", ["gridworld-steps", "gridworld-kappa", "performance"])
def test_a_chart_has_views_that_can_be_linked_to(visit: Open, anchor: str) -> None:
    driver = visit(f"#{anchor}")
    first = chart(driver, anchor)
    choice = Select(driver.find_element(By.CSS_SELECTOR, f"#chart-{anchor} select"))
    other = choice.options[1].get_attribute("value")
    choice.select_by_value(other)
    second = chart(driver, anchor)
    assert [t["y"] for t in first] != [t["y"] for t in second]
    fragment = driver.execute_script("return location.hash")
    assert fragment == f"#{anchor}?view={other}"
    assert chart(visit(fragment), anchor) == second


def test_the_figures_of_a_family_share_their_legend(visit: Open) -> None:
    driver = visit("#gridworld-steps")
    chart(driver, "gridworld-steps")
    toggle(driver, "chart-gridworld-steps", "FedPG").click()
    driver = scrolled(driver, "gridworld-kappa")
    assert "FedPG" not in {trace["line"] for trace in chart(driver, "gridworld-kappa")}
    driver = scrolled(driver, "gridworld-learning")
    assert "FedPG" not in {trace["line"] for trace in drawn(driver)}
    assert button(driver, "FedPG").get_attribute("aria-pressed") == "false"
    button(driver, "FedPG").click()
    assert "FedPG" in {trace["line"] for trace in chart(driver, "gridworld-kappa")}
    assert toggle(driver, "chart-performance", "FedPG").get_attribute("aria-pressed") == "true"


def scrolled(driver: Chrome, anchor: str) -> Chrome:
    driver.execute_script(f"reveal(document.getElementById('{anchor}'))")
    driver.execute_script(f"document.getElementById('{anchor}').scrollIntoView()")
    return driver


@pytest.mark.parametrize(
    ("anchor", "said"), [("gridworld-steps", "of 5 runs"), ("gridworld-kappa", "[")]
)
def test_pointing_at_a_chart_tells_its_numbers(visit: Open, anchor: str, said: str) -> None:
    driver = visit(f"#{anchor}")
    chart(driver, anchor)
    driver.execute_script(f"""
        const plot = document.getElementById("plot-{anchor}");
        const curve = plot.data.findIndex((trace) => trace.meta.kind === "line");
        Plotly.Fx.hover(plot, [{{ curveNumber: curve, pointNumber: 1 }}]);""")
    assert said in driver.find_element(By.CSS_SELECTOR, f"#plot-{anchor} .hoverlayer").text


def test_charts_follow_the_colours_and_the_width(visit: Open) -> None:
    ink = "return document.getElementById('plot-runtime').layout.font.color"
    found = []
    for dark in (False, True):
        driver = visit("#runtime", 390, dark=dark)
        chart(driver, "runtime")
        found.append(driver.execute_script(ink))
        sizes = """return [document.documentElement.scrollWidth,
            document.querySelector('#plot-runtime svg').clientWidth]"""
        assert max(driver.execute_script(sizes)) <= 390
    assert found[0] != found[1]


def test_a_chart_can_be_used_by_keyboard(visit: Open) -> None:
    driver = visit("#gridworld-steps")
    chart(driver, "gridworld-steps")
    select = driver.find_element(By.CSS_SELECTOR, "#chart-gridworld-steps select")
    select.send_keys(Keys.TAB)
    focused = driver.switch_to.active_element
    focused.send_keys(Keys.SPACE)
    assert focused.get_attribute("aria-pressed") == "false"
    said = driver.find_element(By.CSS_SELECTOR, "#chart-gridworld-steps [role=status]")
    assert said.get_property("textContent").endswith("3 of 4 algorithms")


def test_one_algorithm_can_be_shown_alone(visit: Open) -> None:
    driver = visit(HERE)
    drawn(driver)
    control(driver, "[data-only='1']").click()
    (alone,) = {trace["line"] for trace in drawn(driver)}
    assert button(driver, alone).get_attribute("aria-pressed") == "true"
    control(driver, "[data-only='1']").click()
    assert len(averages(drawn(driver))) == 8


def test_axes_can_be_logarithmic_and_linked_to(visit: Open) -> None:
    kinds = """const { xaxis, yaxis } = document.getElementById("plot-cartpole").layout;
        return [xaxis.type, yaxis.type];"""
    driver = visit("#cartpole-learning")
    drawn(driver, "cartpole")
    assert driver.execute_script(kinds) == ["linear", "linear"]
    for axis in ("x", "y"):
        control(driver, f"[data-log={axis}]", "cartpole").click()
    assert driver.execute_script(kinds) == ["log", "log"]
    fragment = driver.execute_script("return location.hash")
    assert fragment == "#cartpole-learning?log=x&log=y"
    again = visit(fragment)
    drawn(again, "cartpole")
    assert again.execute_script(kinds) == ["log", "log"]
    driver = visit(HERE)  # whose scores are negative at first
    drawn(driver)
    assert not control(driver, "[data-log=y]").is_enabled()


# The matrix and folds


def test_the_first_table_opens_settings_and_leads_to_curves(visit: Open) -> None:
    driver = visit()
    inner = ".matrix .inner[data-of=family-gridworld]"
    assert not shown(driver, inner)
    drill = driver.find_element(By.CSS_SELECTOR, "[data-of=family-gridworld] .drill")
    drill.send_keys(Keys.ENTER)
    assert drill.get_attribute("aria-expanded") == "true"
    assert shown(driver, inner)
    driver.find_element(By.CSS_SELECTOR, ".matrix .whole a[href='#family-gridworld']").click()
    top = "return document.getElementById('family-gridworld').getBoundingClientRect().top"
    assert WebDriverWait(driver, 10).until(lambda d: abs(d.execute_script(top)) < 60)


def test_folded_the_page_is_short_and_what_is_linked_to_is_open(visit: Open) -> None:
    tall = "return document.documentElement.scrollHeight / innerHeight"
    assert visit("", 1366, 768).execute_script(tall) < 10
    driver = visit()
    assert not shown(driver, "#table-gridworld-ledger")
    assert shown(visit("#gridworld-cost"), "#table-gridworld-ledger")


def test_on_a_phone_contents_are_closed_and_names_stay_beside_their_values(visit: Open) -> None:
    driver = visit("#gridworld-steps", 390, 844)
    contents = "return document.querySelector('.contents').open"
    assert not driver.execute_script(contents)
    held = """const scroll = document.querySelector("#table-gridworld-complexity .scroll");
        const before = scroll.querySelector("td.id").getBoundingClientRect().left;
        scroll.scrollLeft = 1e4;
        const box = (e) => e.getBoundingClientRect();
        const name = box(scroll.querySelector("td.id"));
        const { left, right } = box(scroll.querySelector("td:last-child"));
        return [scroll.scrollLeft, name.left - box(scroll).left, name.right, left, right];"""
    moved, left, right, value, end = driver.execute_script(held)
    assert moved > 100
    assert left < 5
    assert right <= value
    assert end <= 390
    assert visit("", 1600).execute_script(contents)


def test_on_a_phone_no_name_is_broken_into_letters(visit: Open) -> None:
    driver = visit("", 390, 844)
    tall = """for (const fold of document.querySelectorAll("details")) fold.open = true;
        const rows = [...document.querySelectorAll(".table:not(:has(.matrix)) td.id")];
        const text = document.createRange();
        const height = (cell) => {
            text.selectNodeContents(cell);
            return text.getBoundingClientRect().height;
        };
        return Math.max(...rows.map(height));"""
    assert driver.execute_script(tall) < 90  # of the name; its row may be as high as another cell


def test_on_a_phone_no_word_of_a_matrix_head_is_broken(visit: Open) -> None:
    driver = visit("", 390, 844)
    broken = """const found = [], range = document.createRange();
        for (const head of document.querySelectorAll(".matrix thead th")) {
            const walk = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
            for (let text; text = walk.nextNode();)
                for (const word of text.data.matchAll(/[^\\s-]+/g)) {
                    range.setStart(text, word.index);
                    range.setEnd(text, word.index + word[0].length);
                    if (range.getClientRects().length > 1) found.push(word[0]);
                }
        }
        return found;"""
    assert driver.execute_script(broken) == []


def test_no_band_covers_a_line(visit: Open) -> None:
    driver = visit(HERE)
    order = """const plot = document.querySelector("#explore-gridworld .plot");
        const kinds = plot.data.map((trace) => trace.meta.kind);
        return kinds.lastIndexOf("band") < kinds.indexOf("average") && kinds.includes("band");"""
    assert driver.execute_script(order)


# Addresses


def test_an_address_holds_what_was_chosen(visit: Open) -> None:
    driver = visit(HERE)
    Select(control(driver, "[data-choose=x]")).select_by_value("seconds")
    button(driver, "scaffold").click()
    button(driver, "0").click()
    fragment = driver.execute_script("return location.hash")
    assert fragment == "#gridworld-learning?x=seconds&seeds=0&hide=scaffold"
    before = drawn(driver)
    again = visit(fragment)
    assert drawn(again) == before
    assert Select(control(again, "[data-choose=x]")).first_selected_option.text.startswith("sec")
    top = "return document.getElementById('gridworld-learning').getBoundingClientRect().top"
    assert WebDriverWait(again, 10).until(lambda d: abs(d.execute_script(top)) < 60)


def test_an_address_with_unknown_words_shows_what_is_usual(visit: Open) -> None:
    traces = drawn(visit(f"{HERE}?x=nothing&y=nobody&hide=nil&seeds=99"))
    assert len(averages(traces)) == 8
    assert seeds(traces) == set()


@pytest.mark.parametrize("anchor", ["cartpole-steps", "gridworld-cost", "family-cartpole"])
def test_sections_can_be_linked_to(visit: Open, anchor: str) -> None:
    driver = visit(f"#{anchor}")
    top = f"return document.getElementById('{anchor}').getBoundingClientRect().top"
    assert WebDriverWait(driver, 10).until(lambda d: -5 < d.execute_script(top) < 700)


# Tables


def test_tables_sort_by_the_buttons_in_their_heads(visit: Open) -> None:
    driver = visit("#gridworld-steps")
    table = driver.find_element(By.CSS_SELECTOR, "#table-gridworld-complexity table")
    heads = table.find_elements(By.CSS_SELECTOR, "thead th")
    place = [head.text.split()[0] for head in heads].index("restricted")
    keys = f"""return [...arguments[0].tBodies[0].rows].map(
        (row) => Number(row.cells[{place}].dataset.key))"""
    before = driver.execute_script(keys, table)
    sorter = heads[place].find_element(By.TAG_NAME, "button")
    sorter.send_keys(Keys.ENTER)
    assert heads[place].get_attribute("aria-sort") == "ascending"
    assert driver.execute_script(keys, table) == sorted(before)
    sorter.send_keys(Keys.SPACE)
    assert heads[place].get_attribute("aria-sort") == "descending"
    assert driver.execute_script(keys, table) == sorted(before, reverse=True)
    heads[0].find_element(By.TAG_NAME, "button").click()
    assert [head.get_attribute("aria-sort") for head in heads].count(None) == len(heads) - 1


def test_no_table_of_the_overview_is_wider_than_a_small_desktop(visit: Open) -> None:
    driver = visit("", 1200)
    wide = """return [...document.querySelectorAll("#overview .scroll")]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.getAttribute("aria-label"))"""
    assert driver.execute_script(wide) == []


# For everyone


@pytest.mark.parametrize("width", [320, 390, 800, 1366, 1600])
def test_the_page_is_never_wider_than_the_screen(visit: Open, width: int) -> None:
    driver = visit(HERE, width)
    drawn(driver)
    sizes = """return [document.documentElement.scrollWidth,
        document.querySelector('#plot-gridworld svg').clientWidth]"""
    page, plot = driver.execute_script(sizes)
    assert page <= width
    assert plot <= width


def test_panels_stand_below_each_other_on_a_phone(visit: Open) -> None:
    place = """const { xaxis, xaxis2 } = document.getElementById("plot-gridworld").layout;
        return [xaxis.domain, xaxis2.domain];"""
    driver = visit(HERE, 390)
    drawn(driver)
    first, second = driver.execute_script(place)
    assert first == second
    driver = visit(HERE, 1280)
    drawn(driver)
    first, second = driver.execute_script(place)
    assert first[1] < second[0]


def test_everything_can_be_done_by_keyboard(visit: Open) -> None:
    driver = visit(HERE)
    drawn(driver)
    control(driver, "[data-choose=y]").send_keys(Keys.TAB, Keys.TAB)
    focused = driver.switch_to.active_element
    assert focused.get_attribute("data-line") == "0"
    outline = "return getComputedStyle(arguments[0]).outlineStyle"
    assert driver.execute_script(outline, focused) == "solid"
    focused.send_keys(Keys.SPACE)
    assert focused.get_attribute("aria-pressed") == "false"
    said = control(driver, "[role=status]").get_property("textContent")
    assert said.endswith("environment steps per agent: 3 of 4 algorithms, 0 of 5 seeds")
    named = """return [...document.querySelectorAll("button, select, a, [tabindex]")].filter(
        (e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))
        ).length"""
    assert driver.execute_script(named) == 0


def test_colours_follow_the_system_and_the_button(visit: Open) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    ink = "return document.getElementById('plot-gridworld').layout.font.color"
    driver = visit(HERE)
    drawn(driver)
    light = driver.execute_script(paper), driver.execute_script(ink)
    driver = visit(HERE, dark=True)
    drawn(driver)
    dark = driver.execute_script(paper), driver.execute_script(ink)
    assert light[0] == "rgb(255, 255, 255)"
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    theme = driver.find_element(By.ID, "theme")
    for expected in (light, dark, dark):  # light, dark, and what the system says
        driver.execute_script("arguments[0].click()", theme)
        drawn(driver)
        assert (driver.execute_script(paper), driver.execute_script(ink)) == expected


def test_text_has_contrast(visit: Open) -> None:
    """WCAG 2.1 AA: 4.5 to 1 for text, in both schemes."""
    script = """
        const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
          .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const { ink, soft, link, warn, paper, tint } = Object.fromEntries(
          ["ink", "soft", "link", "warn", "paper", "tint"].map((name) => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = `var(--${name})`;
            return [name, light(getComputedStyle(probe).color)]; }));
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [ink, soft, link, warn].flatMap((c) => [ratio(c, paper), ratio(c, tint)]);"""
    for dark in (False, True):
        assert min(visit(dark=dark).execute_script(script)) >= 4.5


def test_without_scripts_and_on_paper_the_figures_are_static(visit: Open) -> None:
    static, explored = "#figure-gridworld-learning-curves svg", "#explore-gridworld"
    driver = visit(HERE)
    drawn(driver)
    assert shown(driver, explored)
    assert not shown(driver, static)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not shown(driver, explored)
    assert shown(driver, static)
    assert not shown(driver, "#theme")
    driver = visit(HERE, scripts=False)
    assert not shown(driver, explored)
    assert shown(driver, static)
    assert not shown(driver, "#theme")


def test_on_paper_every_figure_is_there_and_none_is_blank(visit: Open) -> None:
    driver = visit()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    found = driver.execute_script("""
        const box = (e) => e.getBoundingClientRect();
        return [...document.querySelectorAll("figure.drawing:has(svg)")].map((figure) => {
          const svg = box(figure.querySelector("svg"));
          const drawn = [...figure.querySelectorAll("svg path, svg use")].map(box);
          const marks = drawn.filter((r) => r.width + r.height > 0).length;
          return [figure.id, svg.width, svg.height, marks];
        });""")
    static = {name.removeprefix("figure-") for name, *_ in found}
    assert {"standing", "performance-profile", "runtime-profile", "gridworld-reached"} <= static
    for name, width, height, marks in found:
        assert min(width, height) > 100, name
        assert height < 800, name  # fits on a page
        assert marks > 20, name
    shown = (
        "return [...document.querySelectorAll('.explorer')].filter((e) => e.offsetHeight).length"
    )
    assert driver.execute_script(shown) == 0


def test_on_paper_no_table_is_cut_off_and_heads_of_columns_are_words(visit: Open) -> None:
    driver = visit("", 741, 1000)  # A4 without margins of a printer
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    script = """for (const fold of document.querySelectorAll("details")) fold.open = true;
        const right = (e) => e.getBoundingClientRect().right;
        const heads = [...document.querySelectorAll(".sortable th button")];
        return [Math.max(...[...document.querySelectorAll("table")].map(right)),
                heads.filter((e) => getComputedStyle(e).display !== "contents").length];"""
    widest, buttons = driver.execute_script(script)
    assert widest <= 741
    assert buttons == 0  # a button is left empty where a table goes on on the next page
