"""`python -m pipeline COMMAND`, also installed as `dense-pipeline COMMAND`: experiments with dense networks."""

from __future__ import annotations

import atexit
import gc
import importlib
import sys

from pipeline.commands import COMMANDS
from pipeline.commands.ending import ends_tidily
from pipeline.errors import UsageError, did_you_mean
from pipeline.runtime.program import program
from pipeline.runtime.startup import importing

OPTIONS = {"-h": "help", "--help": "help", "-V": "version", "--version": "version"}


def main() -> None:
    """Runs the command that the first word names."""
    atexit.register(gc.freeze)  # else Python searches all modules for garbage at exit, which takes a tenth of a second
    with ends_tidily():
        first, *words = sys.argv[1:] or ["help"]
        name = OPTIONS.get(first, first)
        if name == "help" and words:
            name, words = words[0], ["--help"]
        if name == "help":
            print(_help())
        elif name in COMMANDS:
            with importing():
                command = importlib.import_module(f"pipeline.commands.{name}")
            command.main(words)
        else:
            raise UsageError(_unknown(name))


def _help() -> str:
    commands = [f"  {name:10}{about}" for name, about in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {program()} COMMAND ...",
            "",
            "Experiments with dense networks: from a table to a tracked run and an exported model.",
            "",
            *commands,
            "",
            f"{program()} COMMAND --help shows the options of a command; --version the version.",
        ]
    )


def _unknown(name: str) -> str:
    """Returns the message for an unknown command."""
    if "=" in name and not name.startswith("-"):
        return f"a command comes first, as in {program()} train {name}"
    return f"unknown command {name!r}{did_you_mean(name, COMMANDS) or '; the commands are ' + ', '.join(COMMANDS)}"


if __name__ == "__main__":
    main()
