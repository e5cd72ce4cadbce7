"""`version`: of this package."""

import argparse
from collections.abc import Sequence

import pipeline
from pipeline.commands.arguments import Parser
from pipeline.commands.ending import ends_tidily
from pipeline.runtime.program import SCRIPT


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """The words that it takes: none."""
    return Parser("version")


def run(args: argparse.Namespace) -> None:
    """Prints it."""
    print(SCRIPT, pipeline.__version__)
