"""Laws of what others wrote: a terminal and a spreadsheet show it and obey nothing in it."""

import io

import pandas as pd
import pytest

from fedrl.benchmark.cli.printable import printable
from fedrl.reports.table import spreadsheet

HOSTILE = "\x1b]0;title\x07\x1b[2J\r\x9b31m\u202egpj.exe\x7f"


def test_a_terminal_gets_no_control_character() -> None:
    shown = printable(f"κ ≥ 0\n\t{HOSTILE} ‖∇J‖²")
    assert shown.startswith("κ ≥ 0\n\t\\x1b]0;title\\x07")
    assert shown.endswith("\\x7f ‖∇J‖²")
    assert not set(shown) & set("\x1b\x07\r\x9b\u202e\x7f")


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\tx"])
def test_a_spreadsheet_computes_nothing(cell: str) -> None:
    frame = pd.DataFrame({"word": [cell, "fedpg"], cell: [-0.5, 1e-300], "mixed": [cell, -1]})
    read = pd.read_csv(io.StringIO(spreadsheet.csv(frame), newline=""), keep_default_na=False)
    assert read["word"].tolist() == [f"'{cell}", "fedpg"]
    assert read.columns.tolist() == ["word", f"'{cell}", "mixed"]
    assert read[f"'{cell}"].tolist() == [-0.5, 1e-300]


def test_numbers_and_plain_words_stay() -> None:
    frame = pd.DataFrame({"x": [-1.0, float("nan")], "word": ["-0.5", "-"], "none": [None, True]})
    assert spreadsheet.csv(frame) == frame.to_csv(index=False, lineterminator="\n")
