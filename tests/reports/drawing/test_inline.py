"""Laws of figures inside the page: smaller than on disk, and the same drawing."""

import re

from fedrl.reports.drawing import figures as fig

RULE = re.compile(r"\.(v[0-9a-f]{7})\{([^}]*)\}")


def figure(name: str) -> str:
    with fig.styled():
        canvas, axes = fig.panels(1, 2, 2.0, 2.0)
        for axis in axes.flat:
            axis.plot([0, 1], [0, 1], color="#0072B2", marker="o")
        return fig.saved(canvas, name, "", "").inline


def test_a_style_that_several_elements_have_is_a_rule_and_stands_nowhere_else() -> None:
    text = figure("one")
    rules = dict(RULE.findall(text))
    classes = re.findall(r'class="(v[0-9a-f]{7})"', text)
    assert set(classes) == set(rules)
    assert all(classes.count(name) > 1 for name in rules)
    assert not set(re.findall(r'style="([^"]*)"', text)) & set(rules.values())


def test_one_class_means_one_style_in_all_figures_of_a_page() -> None:
    rules = RULE.findall(figure("one") + figure("two"))
    assert len(set(rules)) == len({name for name, _ in rules}) < len(rules)
