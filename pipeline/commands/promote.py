"""`promote`: gives an alias to a registered version."""

import argparse
from collections.abc import Sequence

from pipeline.commands.arguments import Parser
from pipeline.commands.ending import ends_tidily
from pipeline.commands.register import show


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("promote", "example:\n  %(prog)s california 2 --alias champion\n")
    found.add_argument("name", metavar="NAME", help="name of the registered model")
    found.add_argument("version", metavar="VERSION", help="version that gets the alias, as in 2, or latest")
    found.add_argument("--alias", default="champion", help="default: champion")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Moves the alias, and prints the scores of both versions.

    Raises:
        PipelineError: The version does not exist, or the store cannot be used.
    """
    from pipeline.track.registry import promote  # MLflow takes seconds to import

    show(promote(args.name, args.version, args.alias, args.uri))
