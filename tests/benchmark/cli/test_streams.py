"""Output that cannot be written, Ctrl-C from the first import on, too little address space."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedrl.__main__ import interrupted
from fedrl.benchmark.cli import main as cli
from fedrl.benchmark.cli.streams import NOTICE, FullError, Stream
from fedrl.benchmark.storage.files import write_atomically

COMMAND = [sys.executable, "-m", "fedrl"]


def test_a_reader_that_goes_away_is_no_mistake() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        stream = Stream(file)
        stream.write("x" * 100_000)
        stream.flush()
        stream.write("and more")


def test_what_a_stream_cannot_say_is_written_as_python_writes_it(tmp_path: Path) -> None:
    """The name of a file may hold bytes that are no text."""
    for encoding, told in (("utf-8", "\\udcffé\n"), ("ascii", "\\udcff\\xe9\n")):
        with (tmp_path / "out").open("w", encoding=encoding) as file:
            Stream(file).write("\udcffé\n")
        assert (tmp_path / "out").read_text(encoding) == told


@pytest.mark.skipif(os.name != "posix", reason="of POSIX")
@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-"])
def test_streams_that_are_closed_go_nowhere_and_no_file_takes_their_numbers(closed: str) -> None:
    program = (
        "import sys; from fedrl.benchmark.cli.streams import complete; complete(); "
        "sys.stdout.write('x'); sys.stdout.flush(); sys.stderr.write('x'); "
        "sys.exit(open('/dev/zero').fileno())"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, program], check=False
    )
    assert done.returncode == 3


def test_what_a_file_system_answers_is_one_line_that_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A full disk names no file by itself."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def full(**_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            write_atomically(tmp_path / "figure.svg", bytes(100))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert told == f"error: cannot use {tmp_path / 'figure.svg'}: File too large\n"
    assert list(tmp_path.iterdir()) == []


class Terminal(io.StringIO):
    """A terminal, and everything that was sent to it."""

    def isatty(self) -> bool:
        return True


def test_a_notice_in_a_terminal_goes_as_soon_as_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, answer = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", Stream(terminal))
    for stream, told in ((Stream(answer), ""), (sys.stderr, "a note")):
        NOTICE.show("wait")
        stream.write("a note")
        stream.write("")
        assert terminal.getvalue() == f"wait\r    \r{told}"
        terminal.truncate(0)
        terminal.seek(0)
    monkeypatch.setattr(sys, "stderr", Stream(io.StringIO()))
    NOTICE.show("wait")
    assert sys.stderr.getvalue() == "", "a file is no terminal"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
@pytest.mark.parametrize("forgives", [False, True])
def test_a_full_device_is_one_line_for_an_answer_and_nothing_for_a_note(forgives: bool) -> None:
    with Path("/dev/full").open("w") as file:
        stream = Stream(file, forgives_all=forgives)
        stream.write("answer")
        if forgives:
            stream.flush()
        else:
            with pytest.raises(FullError, match="cannot write the answer: No space left"):
                stream.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_a_command_whose_output_is_full_says_so_in_one_line() -> None:
    with Path("/dev/full").open("w") as file:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "cannot write the answer: No space left on device" in done.stderr


def test_a_command_whose_output_nobody_reads_ends_as_usual() -> None:
    process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_an_interrupt_is_one_outside_of_an_import() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(signal.SIGINT, sys._getframe())


def test_an_interrupt_within_an_import_is_one_line(tmp_path: Path) -> None:
    """Whatever an importer does with exceptions."""
    (tmp_path / "stubborn.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    import time\n"
        "    time.sleep(5)\nexcept BaseException:\n    raise ImportError('no') from None\n"
    )
    program = (
        "import signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from fedrl.__main__ import interrupted\n"
        "signal.signal(signal.SIGINT, interrupted)\nimport stubborn"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "error: aborted\n")


def test_a_memory_that_ends_while_an_error_is_looked_at_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(error: Exception | None = None) -> bool:
        raise MemoryError if error else RuntimeError("cannot allocate")

    monkeypatch.setattr(cli, "app", lambda **_: ends())
    monkeypatch.setattr(cli, "is_mistake", ends)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: the memory is not enough: cannot allocate\n"


def test_too_little_address_space_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10**9, 10**9))
    monkeypatch.setattr(sys, "argv", ["fedrl", "list"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "limited to 1.0 GB; a process needs at least" in capsys.readouterr().err
