"""The laws that every family and every algorithm obeys, as plain functions.

A law takes the class of an entry and returns, or raises `ConformanceError` with one sentence. The
tests of this suite run them over the whole registry; `fedrl check` runs them for anybody.
"""
