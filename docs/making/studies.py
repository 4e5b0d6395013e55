"""The page on built-in studies: what each asks, its size, and its file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError, built_in
from making.settings import plain

load = cache(load_study)  # large studies take seconds

HEAD = """\
# Built-in studies

Written from the files when this site is built. `fedrl run NAME --dry-run` estimates the time on
your machine; `fedrl run NAME` computes what is missing and `fedrl report NAME` writes the report.
"""


def page() -> str:
    """One section per study."""
    return "\n\n".join([HEAD, *(section(name) for name in built_in())]) + "\n"


def section(name: str) -> str:
    """Title, description, size, text."""
    text = files("fedrl.benchmark").joinpath(f"studies/{name}.toml").read_text(encoding="utf-8")
    try:
        study = load(name, (), ())
    except StudyError as error:
        return f"## {name}\n\nIt cannot be loaded here: {plain(str(error))}\n\n" + _file(text)
    size = f"{len(study.configs())} cells × {len(study.seeds)} seeds = {len(study.runs())} runs"
    families, algorithms = (
        ", ".join(f"`{n}`" for n in t) for t in (study.families, study.algorithms)
    )
    facts = f"- {size}\n- families: {families}\n- algorithms: {algorithms}"
    said = f"**{plain(study.title)}.** {plain(' '.join(study.description.split()))}"
    return f"## {name}\n\n{said}\n\n{facts}\n\n{_file(text)}"


def _file(text: str) -> str:
    return f"<details><summary>its file</summary>\n\n```toml\n{text}```\n\n</details>"
