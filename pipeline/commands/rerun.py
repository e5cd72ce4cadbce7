"""`rerun`: repeats a tracked run from the config that it logged."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.arguments import Parser, tracking
from pipeline.commands.ending import ends_tidily, tells_how_to_resume
from pipeline.errors import UsageError
from pipeline.runtime.program import program


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily(prints_log=True):
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("rerun", "example:\n  %(prog)s 0123456789abcdef0123456789abcdef fit.epochs=100\n")
    found.add_argument("run_id", metavar="RUN", help="id of the run to repeat")
    found.add_argument("overrides", metavar="key=value", nargs="*", help="keys to change, as in fit.epochs=100")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Loads the config of a run, checks it and runs it into the same store.

    Raises:
        PipelineError: The run does not exist, its config or an override is wrong, or the new run fails.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    settings = tracking(args.uri)
    from pipeline import config, track, train
    from pipeline.commands.show_result import show
    from pipeline.config.rules import start_over

    with tempfile.TemporaryDirectory() as folder, track.connected(settings):
        logged = track.config_of_run(args.run_id, Path(folder))
        if (words := track.tag_of(args.run_id, "tuned")) is not None:
            raise UsageError(f"run {args.run_id} is an ensemble; repeat it with {program()} tune {words}")
        again = config.from_yaml(logged, [*args.overrides, f"+tracking.tags.rerun_of={args.run_id}"])
    with tells_how_to_resume("rerun", sys.argv[2:], start_over(again)):
        result = train.run(again)
    show(result)
