"""One small picture of a claim: its parts' intervals beside the region that would show it."""

import math
from collections.abc import Callable, Sequence
from html import escape

from matplotlib.ticker import MaxNLocator

from fedrl.benchmark.claims.verdict import REFUTED, Judged, Verdict
from fedrl.benchmark.claims.words import interval

WIDTH, ROW, TOP, LEFT, RIGHT = 720, 26, 16, 190, 200  # pixels
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#222}
.unit,.tick{font-size:12px;fill:#555}
.page{fill:#fff}.axis{stroke:#999}.region{fill:#0072B2;opacity:.13}
.shown{stroke:#0072B2;fill:#0072B2}.refuted{stroke:#D55E00;fill:#D55E00}
.undecided{stroke:#777;fill:#777}circle.undecided{fill:#fff;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#eee}.unit,.tick{fill:#bbb}.page{fill:#16191d}
.region{fill:#56B4E9;opacity:.2}.shown{stroke:#56B4E9;fill:#56B4E9}
.refuted{stroke:#ff8a3d;fill:#ff8a3d}.undecided{stroke:#aaa;fill:#aaa}circle.undecided{fill:#16191d}}"""


def drawing(verdict: Verdict) -> str:
    """An SVG that follows the reader's light or dark setting, the same bytes for the same verdict.

    A dot per part with its interval; the shaded band is the region. Bounds beyond the axis end in
    an arrow.
    """
    parts = verdict.parts
    ticks = _ticks(verdict)
    low, high = float(ticks[0]), float(ticks[-1])
    height = TOP + ROW * len(parts) + 44

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    bottom = TOP + ROW * len(parts)
    left, right = (x(bound) for bound in verdict.claim.region)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'width="{WIDTH}" height="{height}">',
        f"<title>{escape(verdict.claim.name)}: {verdict.verdict}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
        f'<rect class="region" x="{left}" y="8" width="{round(right - left, 1)}" '
        f'height="{bottom - 8}"/>',
        f'<path class="axis" d="M{x(low)} {bottom}H{x(high)}"/>',
    ]
    for tick in ticks:
        at = x(float(tick))
        text = f"{tick:g}".replace("-", "−")
        lines.append(f'<path class="axis" d="M{at} {bottom}v4"/>')
        lines.append(
            f'<text class="tick" x="{at}" y="{bottom + 17}" text-anchor="middle">{text}</text>'
        )
    unit = escape(verdict.claim.unit)
    lines.append(f'<text class="unit" x="12" y="{bottom + 36}">{unit}; shaded: shown</text>')
    for place, part in enumerate(parts):
        lines += _row(part, TOP + ROW * place + ROW // 2, x, (low, high))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(part: Judged, y: int, x: Callable[[float], float], ends: tuple[float, float]) -> list[str]:
    """Name, interval and number; a circle that is filled for shown, a square for refuted."""
    found, kind = part.measured.found, f'class="{part.verdict}"'
    told = escape(interval(part.measured) or "no number")
    lines = [
        f'<text x="12" y="{y + 4}">{escape(part.name)}</text>',
        f'<text x="{WIDTH - RIGHT + 16}" y="{y + 4}">{told}</text>',
    ]
    if not math.isfinite(found.value):
        return lines
    if not math.isnan(found.low):
        one, two = x(found.low), x(found.high)
        lines.append(f'<path {kind} stroke-width="3" d="M{one} {y}H{two}"/>')
        lines += [f'<path {kind} d="M{one} {y}l7 -5v10z"/>'] * (found.low < ends[0])
        lines += [f'<path {kind} d="M{two} {y}l-7 -5v10z"/>'] * (found.high > ends[1])
    at = x(found.value)
    if part.verdict == REFUTED:
        lines.append(f'<rect {kind} x="{round(at - 4.5, 1)}" y="{y - 4.5}" width="9" height="9"/>')
    else:
        lines.append(f'<circle {kind} cx="{at}" cy="{y}" r="5"/>')
    return lines


def _ticks(verdict: Verdict) -> Sequence[float]:
    """Round numbers around values, finite bounds of the region, and most of the intervals."""
    founds = [part.measured.found for part in verdict.parts]
    values = [b for b in verdict.claim.region if math.isfinite(b)]
    values += [e for e in (f.value for f in founds) if math.isfinite(e)]
    spread = max(max(values) - min(values), 0.05)
    bounds = [b for f in founds for b in (f.low, f.high) if math.isfinite(b)]
    near = [b for b in bounds if min(values) - 2 * spread <= b <= max(values) + 2 * spread]
    ends = min(values + near), max(values + near)
    room = 0.08 * max(ends[1] - ends[0], spread)
    ticks: Sequence[float] = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(
        ends[0] - room, ends[1] + room
    )
    return ticks
