"""Repeats a tracked run from the config it logged: `python -m pipeline rerun RUN_ID [key=value ...]`."""

import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline import config as configuration
from pipeline.commands import arguments


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("rerun", __doc__)
    parser.add_argument("run_id", help="id of the run to repeat")
    parser.add_argument("overrides", nargs="*", help="keys to change, as in fit.epochs=100")
    arguments.add_store(parser)
    args = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    with arguments.ends_tidily():
        rerun(args.run_id, args.overrides, args.uri)


def rerun(run_id: str, overrides: list[str], uri: str | None) -> None:
    """Fetches the config of a run, checks it and runs it into the same store."""
    from pipeline import track
    from pipeline.commands.train import show
    from pipeline.train import run

    tracking = configuration.load(*([f"tracking.uri='{uri}'"] if uri else [])).tracking
    with tempfile.TemporaryDirectory() as folder, track.connected(tracking):
        config = configuration.from_yaml(
            track.config_of_run(run_id, Path(folder)), [*overrides, f"+tracking.tags.rerun_of={run_id}"]
        )
    show(run(config))
