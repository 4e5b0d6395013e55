"""One small picture of a claim: its parts' intervals beside the region that would show it."""

from __future__ import annotations

import math
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from fedrl.benchmark.claims.verdict import REFUTED, SHOWN, Judged, Verdict
from fedrl.benchmark.claims.words import interval

WIDTH, ROW, TOP, LEFT, RIGHT = 720, 26, 16, 190, 200  # pixels
COLOURS = {SHOWN: "#0072B2", REFUTED: "#D55E00"}  # Okabe & Ito; undecided is grey
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#222}
.unit,.tick{font-size:12px;fill:#555}
.page{fill:#fff}.axis{stroke:#999}.region{fill:#0072B2;opacity:.13}.undecided{stroke:#777;fill:#777}
@media (prefers-color-scheme:dark){text{fill:#eee}.unit,.tick{fill:#bbb}.page{fill:#16191d}
.region{fill:#56B4E9;opacity:.25}.undecided{stroke:#aaa;fill:#aaa}}"""


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


def _row(part: Judged, y: int, x: object, ends: tuple[float, float]) -> list[str]:
    found = part.measured.found
    told = escape(interval(part.measured) or "no number")
    lines = [
        f'<text x="12" y="{y + 4}">{escape(part.name)}</text>',
        f'<text x="{WIDTH - RIGHT + 16}" y="{y + 4}">{told}</text>',
    ]
    if not math.isfinite(found.value):
        return lines
    paint = COLOURS.get(part.verdict)
    style = f'stroke="{paint}" fill="{paint}"' if paint else 'class="undecided"'
    at = x  # type: ignore[assignment]
    if math.isfinite(found.low) or math.isfinite(found.high):
        one, two = at(found.low), at(found.high)  # type: ignore[operator]
        lines.append(f'<path {style} stroke-width="3" d="M{one} {y}H{two}"/>')
        lines += [f'<path {style} d="M{one} {y}l7 -5v10z"/>' for _ in [0] if found.low < ends[0]]
        lines += [f'<path {style} d="M{two} {y}l-7 -5v10z"/>' for _ in [0] if found.high > ends[1]]
    lines.append(f'<circle {style} cx="{at(found.value)}" cy="{y}" r="5"/>')  # type: ignore[operator]
    return lines


def _ticks(verdict: Verdict) -> np.ndarray:
    """Round numbers around values, finite bounds of the region, and most of the intervals."""
    founds = [part.measured.found for part in verdict.parts]
    values = [b for b in verdict.claim.region if math.isfinite(b)]
    values += [e for e in (f.value for f in founds) if math.isfinite(e)]
    spread = max(max(values) - min(values), 0.05)
    bounds = [b for f in founds for b in (f.low, f.high) if math.isfinite(b)]
    near = [b for b in bounds if min(values) - 2 * spread <= b <= max(values) + 2 * spread]
    ends = min(values + near), max(values + near)
    room = 0.08 * max(ends[1] - ends[0], spread)
    return MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(ends[0] - room, ends[1] + room)
