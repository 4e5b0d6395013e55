"""The laws that every family and every algorithm obeys, as plain functions.

A law takes the class of an entry and returns, or raises `ConformanceError` with one sentence. The
tests of this suite run them over the whole registry; `fedrl check` runs them for anybody.
"""

from fedrl.benchmark.conformance.entries import Entry, find_entry, with_settings
from fedrl.benchmark.conformance.verdict import ConformanceError
from fedrl.benchmark.conformance.verdicts import Verdict, judge, laws_of, title

__all__ = [
    "ConformanceError",
    "Entry",
    "Verdict",
    "find_entry",
    "judge",
    "laws_of",
    "title",
    "with_settings",
]
