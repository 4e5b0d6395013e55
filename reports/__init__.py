"""Reports of sample complexity. Reads one tidy table; its column names are the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedrl.reports.page.page import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    """Drawing takes a second to import, which names of columns do not need."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fedrl.reports.page.page import write_report

    return write_report
