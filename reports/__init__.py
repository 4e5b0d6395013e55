"""Reports of sample complexity. Reads one tidy table; its column names are the contract."""

from fedrl.reports.page.page import write_report

__all__ = ["write_report"]
