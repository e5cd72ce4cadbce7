"""Standard output that cannot be written ends no work; a reader that has gone does."""

import io
import os
import sys
from pathlib import Path

import pytest

from pipeline.commands.ending import ends_tidily
from pipeline.runtime.stdout import Output, lossy_output

FULL = Path("/dev/full")
TOLD = "standard output cannot be written: No space left on device; the command continues without it\n"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")


@pytest.mark.parametrize("prints_log", [True, False])
def test_it_is_reported_once_and_counts_where_nothing_else_keeps_it(
    prints_log: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    with io.TextIOWrapper(io.BufferedWriter(FULL.open("wb", buffering=0), 16), write_through=True) as full:
        monkeypatch.setattr(sys, "stdout", full)
        code: object = 0
        try:
            with ends_tidily(), ends_tidily(prints_log=prints_log):  # that of the program, and that of a command
                for _ in range(100):
                    print("x" * 100)
                done.append(True)
        except SystemExit as ended:
            code = ended.code
        assert sys.stdout is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert (done, code) == ([True], 0 if prints_log else 1)
    assert capfd.readouterr().err == TOLD


def test_a_reader_that_has_enough_is_not_a_full_disk() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError), os.fdopen(write, "w", buffering=1) as stream:
        Output(stream).write("line\n")


def test_one_within_another_is_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with lossy_output() as outer, lossy_output() as inner:
        print("said")
        assert inner is outer is sys.stdout
    assert sys.stdout.getvalue() == "said\n"  # type: ignore[attr-defined]
