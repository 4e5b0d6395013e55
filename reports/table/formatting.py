"""Numbers as the page prints them."""

import math
from collections.abc import Iterable, Sequence

from fedrl.reports.statistics.estimates import Estimate

THIN = "\u202f"  # narrow no-break space
NOTHING = "–"


def number(value: float, digits: int = 3) -> str:
    """Significant digits, thousands apart, a true minus sign."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e9):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10{superscript(int(exponent))}"
    elif size == round(size) or size >= 10 ** (digits - 1):
        text = f"{value:,.0f}"
    else:
        decimals = digits - 1 - (math.floor(math.log10(size)) if size else 0)
        text = f"{value:.{decimals}f}"
    return text.replace(",", THIN).replace("-", "−")


def superscript(power: int) -> str:
    """−2 as ⁻²."""
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def brackets(low: float, high: float, digits: int = 3) -> str:
    """[low, high], or nothing when there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def estimated(value: Estimate, digits: int = 3) -> str:
    """value [low, high]."""
    return f"{number(value.value, digits)} {brackets(value.low, value.high, digits)}".strip()


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign."""
    return f"+{number(value, digits)}" if value > 0 else number(value, digits)


def percent(share: float) -> str:
    """0.95 as 95 %."""
    return f"{100 * share:g}{THIN}%"


def rounded_percent(share: float) -> str:
    """The same to three digits, NOTHING where it is not known."""
    return percent(float(f"{100 * share:.3g}") / 100) if math.isfinite(share) else NOTHING


def level(kappa: float) -> str:
    """κ = 0.5."""
    return f"κ = {kappa:g}".replace("-", "−")


def panel(kappa: float, agents: int | None) -> str:
    """κ = 0.5, N = 4; without N where all runs of a family have the same."""
    return level(kappa) if agents is None else f"{level(kappa)}, N = {agents}"


def power_of_ten(value: float) -> str:
    """10ⁿ, or 2·10ⁿ and the like."""
    exponent = math.floor(math.log10(value) + 1e-9) if value > 0 else 0
    factor = round(value / 10.0**exponent, 6)
    return f"{'' if factor == 1 else f'{factor:g}·'}10{superscript(exponent)}"


def listed(words: list[str], most: int | None = None) -> str:
    """a, b and c; of more than `most` words those first, and how many more."""
    if most is not None and len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def piped(heading: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of Markdown; a | within a cell is escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def halved(text: str, least: int) -> list[str]:
    """The text in two lines, parted at the space nearest to its middle; whole if < `least` long.

    >>> halved("restricted mean of steps", 12)
    ['restricted', 'mean of steps']
    """
    spaces = [place for place, sign in enumerate(text) if sign == " "]
    if len(text) < least or not spaces:
        return [text]
    cut = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return [text[:cut], text[cut + 1 :]]
