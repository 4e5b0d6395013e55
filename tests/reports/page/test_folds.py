"""Laws of what a page folds away: nothing is lost, and paper has it open."""

import re

from fedrl.reports.page.templates import environment

TEMPLATES = environment()


def says(count: int) -> str:
    return str(
        TEMPLATES.get_template("parts.html.j2").module.says([f"S{n}." for n in range(count)])
    )


def test_the_first_sentences_are_seen_and_the_others_one_click_away() -> None:
    assert "<details" not in says(4)
    seen, folded = says(7).split('<details class="more">')
    assert re.findall(r"<li>(S\d)\.", seen) == ["S0", "S1", "S2", "S3"]
    assert re.findall(r"<li>(S\d)\.", folded) == ["S4", "S5", "S6"]
    assert "<summary>3 more</summary>" in folded


def test_what_is_folded_is_opened_before_it_is_printed() -> None:
    script = TEMPLATES.get_template("folds.js.j2").render()
    (selected,) = re.findall(r'querySelectorAll\("(details[^"]*)"\)', script)
    assert {".fold", ".more"} <= set(re.findall(r"\.\w+", selected))
