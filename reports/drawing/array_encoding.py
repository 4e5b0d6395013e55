"""Data inside the page: JSON that may stand in a <script> element, every list of numbers once."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fedrl.reports.statistics.estimates import Array

LEAST = 3  # numbers; shorter lists are written where they stand


def packed(value: Mapping[str, Any]) -> str:
    """The value with its lists of numbers as {"of": i} into "pool", which holds no list twice.

    Curves share most of their axes, and where every round has equal steps their heights too.
    """
    pool: dict[str, int] = {}

    def shared(entry: Any) -> Any:
        if isinstance(entry, Mapping):
            return {key: shared(inner) for key, inner in entry.items()}
        if isinstance(entry, (list, tuple)):
            if len(entry) >= LEAST and all(_numeric(item) for item in entry):
                return {"of": pool.setdefault(_written(entry), len(pool))}
            return [shared(item) for item in entry]
        return entry

    text = _written(shared(value))
    return _escaped(f'{text[:-1]},"pool":[{",".join(pool)}]}}')


def plain(value: Mapping[str, Any]) -> str:
    """The value with its lists where they stand."""
    return _escaped(_written(value))


def numbers(values: Array) -> list[float | None]:
    """Each as `number`."""
    return [number(float(value)) for value in values]


def number(value: float) -> float | None:
    """Four significant digits, as the page tells them; nothing where there is no number."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _numeric(item: Any) -> bool:
    return item is None or (isinstance(item, (int, float)) and not isinstance(item, bool))


def _escaped(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
