"""`version`: prints the version of this package."""

import argparse
from collections.abc import Sequence

import pipeline
from pipeline.commands.arguments import Parser
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.program import SCRIPT


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes a parser that takes no arguments."""
    return Parser("version")


def run(args: argparse.Namespace) -> None:
    """Prints the version."""
    print(SCRIPT, pipeline.__version__)
