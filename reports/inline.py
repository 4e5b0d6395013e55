"""A figure's SVG as it stands in the page: small, in the reader's colours, its ids its own."""

import hashlib
import re
from itertools import count

THEMED = {  # on the page these follow the reader's colours; the variables of the style sheet
    "#444444": "surround",
    "#ffffff": "paper",
    "#e6e6e6": "grid",
    "#262626": "ink",
    "#000000": "ink",
}


def inlined(svg: str, name: str) -> str:
    """The <svg> element alone; what it looks like stays as it was."""
    text = svg[svg.index("<svg") :]
    text = re.sub(r'width="([\d.]+)pt" height="[\d.]+pt"', _wide, text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text, count=2)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: _path(path[0]), text)
    text = re.sub(r'(?<= x=")[^"]*|(?<= y=")[^"]*|translate\([^)]*\)', _rounded, text)
    text = re.sub(r">\s+<", "><", text)
    for colour, variable in THEMED.items():
        text = re.sub(rf"(fill|stroke): {colour}\b", rf"\1: var(--{variable})", text)
    return _named(text, name)


def _wide(size: re.Match[str]) -> str:
    """On the page a figure is a third larger than on paper; the style sheet limits it."""
    return f'style="width: {1.33 * float(size[1]):.0f}pt"'


def _path(path: str) -> str:
    """A tenth of a point is less than a pixel; a letter holds until the next."""
    words, letter = [], ""
    for word in re.sub(r"-?\d+\.\d+", lambda n: _short(n[0], 1), path).split():
        if word.isalpha():
            if word == letter == "L":
                continue
            letter = word
        words.append(word)
    return " ".join(words)


def _rounded(attribute: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda n: _short(n[0], 2), attribute[0])


def _short(number: str, decimals: int) -> str:
    return f"{float(number):.{decimals}f}".rstrip("0").rstrip(".")


def _named(text: str, name: str) -> str:
    """Ids that something refers to, short and unlike those of other figures; no others."""
    used = dict.fromkeys(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text))
    start, places = hashlib.sha256(name.encode()).hexdigest()[:8], count()
    short = {a or b: f"s{start}-{next(places)}" for a, b in used}
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", text)
    text = re.sub(r'xlink:href="#([^"]*)"', lambda m: f'href="#{short[m[1]]}"', text)
    return re.sub(r"url\(#([^)]*)\)", lambda m: f"url(#{short[m[1]]})", text)
