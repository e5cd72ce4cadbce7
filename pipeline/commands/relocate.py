"""`relocate`: repairs a store whose folder was moved or copied."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pipeline.commands.arguments import Parser, tracking
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.console import console, say

NOTES = """\
A SQLite store records absolute addresses of its artifacts, which are wrong after its folder was moved. This command
changes them to the current folder, in experiments, runs, logged models and registered versions.
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("relocate", NOTES)
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Changes the addresses, and prints how many.

    Raises:
        PipelineError: The store belongs to a server, or cannot be used.
    """
    settings = tracking(args.uri)
    from pipeline import track  # MLflow takes seconds to import

    with track.existing(settings) as uri:
        changed = track.relocate(uri)
    outcome = ", ".join(f"{number} of {table.replace('_', ' ')}" for table, number in changed.items() if number)
    say(console(), f"{uri}: addresses changed: {outcome}" if outcome else f"{uri}: all addresses are correct")
