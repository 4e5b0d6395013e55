"""The gallery: figures and tables of real reports, made when this site is built.

Studies that are published with the code are shown; if there is none, a study of seconds is run.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

from making.settings import plain

HERE = Path(__file__).parent
PUBLISHED = HERE.parents[1] / "reports" / "published"
FIGURE = re.compile(
    r'<figure class="drawing" id="figure-([\w-]+)">.*?<figcaption><strong>(.*?)</strong> '
    r'<span class="caption">(.*?)</span>',
    re.S,
)
HEAD = """\
# Gallery

Figures of real reports, as the command writes them. Each is also a PDF beside the SVG in the
report's folder, and the numbers behind it are in its tables.
"""


def write(folder: Path, work: Path) -> None:
    """`gallery.md` and its pictures in `folder`, the whole reports below `work`/extra."""
    parts = [HEAD]
    for name, report in reports(work).items():
        target = work / "extra" / "reports" / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(report, target)
        parts.append(section(name, report, folder))
    (folder / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def reports(work: Path) -> dict[str, Path]:
    """Name to folder of a report."""
    from fedrl.benchmark.publishing import sources

    found = {}
    for source in sorted(PUBLISHED.glob("*/provenance.json")):
        out = work / "published" / source.parent.name
        sources.make_report(sources.read_source(source.parent), out)
        found[source.parent.name] = out
    return found or {"gallery": tiny(work)}


def tiny(work: Path) -> Path:
    """Run the study of seconds and write its report."""
    from fedrl import run_study
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.publishing.publication import publish

    study, results = HERE / "gallery.toml", work / "results"
    run_study(study, results=results)
    command = "fedrl run docs/making/gallery.toml"
    return publish(load_study(study), results, work / "gallery", command).page.parent


def section(name: str, report: Path, folder: Path) -> str:
    """The figures of a report with their captions."""
    page = (report / "index.html").read_text(encoding="utf-8")
    title = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    link = (
        f'<p><a href="../reports/{name}/index.html">The whole report</a>, one page to explore.</p>'
    )
    parts = [f"## {plain(title.group(1).strip()) if title else name}", link]
    pictures = folder / "pictures" / name
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    for drawing, about, caption in FIGURE.findall(page):
        shutil.copy(report / "figures" / f"{drawing}.svg", pictures / f"{drawing}.svg")
        words = plain(html.unescape(re.sub(r"<[^>]+>", "", caption)))
        about = plain(html.unescape(about)).strip(".")
        parts.append(
            f"### {about} ({drawing})\n\n![{about}](pictures/{name}/{drawing}.svg)\n\n{words}"
        )
    return "\n\n".join(parts)
