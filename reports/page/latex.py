"""Text for pdfLaTeX: nothing in it is read as a command, and no character is unknown."""

import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}
SIGNS = {
    "\u202f": r"\,",
    "\u00a0": "~",
    "−": "$-$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "½": r"$\frac{1}{2}$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "∇": r"$\nabla$",
    "∫": r"$\int$",
    "Σ": r"$\Sigma$",
    "‖": r"$\Vert$",
    "√": r"$\surd$",
    "∈": r"$\in$",
    "→": r"$\rightarrow$",
    "λ": r"$\lambda$",  # Unicode's own name has no b
    "Λ": r"$\Lambda$",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "…": r"\dots{}",
    "⁻": r"\textsuperscript{$-$}",
} | {sign: rf"\textsuperscript{{{digit}}}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}


SMALL = frozenset("αβγδεζηθικμνξπρστυφχψω")  # omicron is an o
CAPITAL = frozenset("ΓΔΘΞΠΣΥΦΨΩ")  # the others look Latin


def escaped(text: str) -> str:
    """One line of text; a character no font here has is written as its number, [U+4E2D]."""
    return "".join(_sign(sign) for sign in text.replace("\n", " "))


def _sign(sign: str) -> str:
    if sign in SPECIAL or sign in SIGNS:
        return SPECIAL.get(sign) or SIGNS[sign]
    if " " <= sign <= "~":
        return sign
    name = unicodedata.name(sign, "").split(" ")[-1]
    if sign in SMALL:
        return rf"$\{name.lower()}$"
    if sign in CAPITAL:
        return rf"$\{name.capitalize()}$"
    if "À" <= sign <= "ÿ":
        return sign
    return f"[U+{ord(sign):04X}]"
