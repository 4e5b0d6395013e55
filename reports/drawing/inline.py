"""A figure's SVG as it stands in the page: small, in the reader's colours, its ids its own."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from itertools import count

THEMED = {  # on the page these follow the reader's colours; the variables of the style sheet
    "#444444": "surround",
    "#ffffff": "paper",
    "#e6e6e6": "grid",
    "#262626": "ink",
    "#000000": "ink",
}


# A letter, as Matplotlib writes it; the space has no path
GLYPH = re.compile(r'<path id="(DejaVu[^"]*)"(?: d="([^"]*)")? transform="scale\(0.015625\)"/>')


def glyphs(svgs: Iterable[str]) -> str:
    """The letters of all figures as <path> elements, each once, that the inlined ones refer to."""
    found: dict[str, str] = {}
    for svg in svgs:
        for name, path in GLYPH.findall(svg):
            if found.setdefault(_letter(name), path) != path:
                raise ValueError(f"two figures mean different glyphs by {name}")
    return "".join(
        f'<path id="{name}" d="{_path(path)}" transform="scale(0.015625)"/>'
        for name, path in sorted(found.items())
    )


def _letter(name: str) -> str:
    return name.replace("DejaVuSans", "dv")


def inlined(svg: str, name: str) -> str:
    """The <svg> element without its letters; what it looks like stays as it was."""
    text = svg[svg.index("<svg") :]
    text = re.sub(r'width="([\d.]+)pt" height="[\d.]+pt"', _wide, text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text, count=2)
    text = GLYPH.sub("", text)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: _path(path[0]), text)
    text = re.sub(r'(?<= x=")[^"]*|(?<= y=")[^"]*|translate\([^)]*\)', _rounded, text)
    text = re.sub(r'(<use [^>]*)transform="translate\(([\d.]+) 0\)"/>', r'\1x="\2"/>', text)
    text = re.sub(r"<defs>\s*</defs>", "", re.sub(r">\s+<", "><", text))
    for colour, variable in THEMED.items():
        text = re.sub(rf"(fill|stroke): {colour}\b", rf"\1: var(--{variable})", text)
    return _classed(_named(text, name))


def _classed(text: str) -> str:
    """Styles that several elements have, once each; a class is named by its style, on any page."""
    counted = Counter(re.findall(r' style="([^"]*)"', text))
    names = {
        style: f"v{hashlib.sha256(style.encode()).hexdigest()[:7]}"
        for style, times in counted.items()
        if times > 1
    }
    text = re.sub(
        r' style="([^"]*)"', lambda m: f' class="{names[m[1]]}"' if m[1] in names else m[0], text
    )
    rules = "".join(f".{name}{{{style}}}" for style, name in names.items())
    return text.replace("</style>", f"{rules}</style>", 1)


def _wide(size: re.Match[str]) -> str:
    """On the page a figure is a third larger than on paper; the style sheet limits it."""
    return f'style="width: {1.33 * float(size[1]):.0f}pt"'


def _path(path: str) -> str:
    """A tenth of a point is less than a pixel; a letter holds until the next."""
    if not set(re.findall("[A-Za-z]", path)) - {"M", "L", "z"}:
        return _relative(path.split())
    words, letter = [], ""
    for word in re.sub(r"-?\d+\.\d+", lambda n: _short(n[0], 1), path).split():
        if word.isalpha():
            if word == letter == "L":
                continue
            letter = word
        words.append(word)
    return " ".join(words)


def _relative(words: list[str]) -> str:
    """Straight lines by their steps, which are shorter to write; in whole tenths, so exact."""
    told, letter, here, at = [], "", (0, 0), 0
    while at < len(words):
        if words[at].isalpha():
            letter, at = words[at], at + 1
            if letter == "z":
                told.append("z")
            continue
        x, y = (round(10 * float(word)) for word in words[at : at + 2])
        if letter == "M":
            told.append(f"M{_tenths(x)} {_tenths(y)}")
        else:
            head = "l" if told[-1][0] in "Mz" else " "
            told.append(f"{head}{_tenths(x - here[0])} {_tenths(y - here[1])}")
        here, at = (x, y), at + 2
    return "".join(told)


def _tenths(count: int) -> str:
    """-3 as -.3."""
    whole, part = divmod(abs(count), 10)
    digits = f"{whole or ''}.{part}" if part else str(whole)
    return f"-{digits}" if count < 0 else digits


def _rounded(attribute: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda n: _short(n[0], 2), attribute[0])


def _short(number: str, decimals: int) -> str:
    return f"{float(number):.{decimals}f}".rstrip("0").rstrip(".")


def _named(text: str, name: str) -> str:
    """Ids that something refers to, short and unlike those of other figures; no others."""
    used = dict.fromkeys(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text))
    start, places = hashlib.sha256(name.encode()).hexdigest()[:8], count()
    names = [a or b for a, b in used]
    short = {n: _letter(n) if n.startswith("DejaVu") else f"s{start}-{next(places)}" for n in names}
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", text)
    text = re.sub(r'xlink:href="#([^"]*)"', lambda m: f'href="#{short[m[1]]}"', text)
    return re.sub(r"url\(#([^)]*)\)", lambda m: f"url(#{short[m[1]]})", text)
