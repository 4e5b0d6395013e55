"""A claim of a paper: what is said, what would show it, and the parts that are measured.

A claim is a table of a TOML file, one file per paper; `docs/extend/claim.md` has an example.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

NOT_VERIFIED = "not verified"  # how the source of a text begins that could not be read


class ClaimError(ValueError):
    """A file of claims that cannot be used."""


class Part(BaseModel):
    """One measurement of a claim: options of its estimand, and how a table names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: dict[str, Any] = {}  # override those of the claim


class Claim(BaseModel):
    """A statement, the study that tests it, the number that decides, and the rule that does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paper: str
    name: str
    statement: str
    headline: str = ""  # the statement in few words, if it belongs on a front page
    symbol: str = ""  # the number in few words, before it in tables
    source: str  # where the paper says it; "not verified: …" where its text could not be read
    study: str  # whose published records are looked at
    estimand: str  # name of what is measured
    unit: str  # what the number means, for a table
    region: tuple[float, float]  # a part whose whole interval lies here is shown
    rule: Literal["all", "any"] = "all"  # of the parts that have to be shown
    alpha: float = Field(default=0.05, gt=0, lt=0.5)  # of the claim, shared by its parts
    options: dict[str, Any] = {}
    parts: tuple[Part, ...] = Field(min_length=1)
    would_change: str
    objection: str  # what the authors could say

    @model_validator(mode="after")
    def _region_is_an_interval(self) -> Claim:
        if not self.region[0] < self.region[1]:
            raise ValueError(f"region is {list(self.region)}; its first number must be the smaller")
        return self

    @property
    def level(self) -> float:
        """1 − α/m: all m intervals of a claim hold together with probability 1 − α or more."""
        return 1 - self.alpha / len(self.parts)

    def looked_at(self, times: int) -> Claim:
        """The claim at one of so many looks at growing records: each has its share of α."""
        return self.model_copy(update={"alpha": self.alpha / times})

    @property
    def verified(self) -> bool:
        """Whether the text that is quoted as its source was read."""
        return not self.source.startswith(NOT_VERIFIED)

    @property
    def command(self) -> str:
        """The call that computes it again."""
        return f"fedrl claims {self.study}"

    def shown_region(self) -> str:
        """Write the region: ≥ 0.02, or in [−1.1, −0.9]."""
        low, high = (f"{bound:g}".replace("-", "−") for bound in self.region)
        if math.isinf(self.region[1]):
            return f"≥ {low}"
        return f"≤ {high}" if math.isinf(self.region[0]) else f"in [{low}, {high}]"


def read(path: Path) -> list[Claim]:
    """The claims of a file; ClaimError says what is wrong in one line."""
    try:
        if path.exists() and not path.is_file():
            raise ClaimError(f"cannot read {path}: it is not a plain file")
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ClaimError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ClaimError(f"{path} is not UTF-8 text") from None


def parse(text: str, where: str) -> list[Claim]:
    """The claims of a file's text, in its order."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ClaimError(f"{where} is not TOML: {error}") from None
    paper, claims = table.get("paper"), table.get("claims")
    if not isinstance(paper, str) or not isinstance(claims, dict) or set(table) != KEYS:
        raise ClaimError(f"{where} needs paper = '…', tables [claims.NAME], and nothing else")
    found = []
    for name, entry in claims.items():
        try:
            found.append(Claim.model_validate({"paper": paper, "name": name, **entry}))
        except TypeError:
            raise ClaimError(f"{where}, claim {name}: it is not a table") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            reason = f"{place}: {first['msg']}".removeprefix(": ")
            raise ClaimError(f"{where}, claim {name}: {reason}") from None
    return found


KEYS = {"paper", "claims"}
