"""A command line in the process of the tests, for what need not be started anew to be tried.

All tests load this file: what takes long is imported in its functions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from pipeline.__main__ import main

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs `python -m pipeline` with these words in this process; gives exit code, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pipeline/__main__.py", *words])
        try:
            main()
            code: str | int | None = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        # Where the code is a text, Python prints it and ends with 1.
        return (1, said.out, said.err + code) if isinstance(code, str) else (code or 0, said.out, said.err)

    return run
