"""Repeats a tracked run from the config it logged: `python -m pipeline.rerun RUN_ID [key=value ...]`."""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from pipeline import config as configuration
from pipeline.errors import PipelineError
from pipeline.signals import exit_code, sigterm_raises


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.rerun", description=__doc__)
    parser.add_argument("run_id", help="id of the run to repeat")
    parser.add_argument("overrides", nargs="*", help="keys to change, as in fit.epochs=100")
    parser.add_argument("--uri", help="store of the run; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        with sigterm_raises():
            rerun(args.run_id, args.overrides, args.uri)
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))


def rerun(run_id: str, overrides: list[str], uri: str | None) -> None:
    """Fetches the config of a run, checks it and runs it into the same store."""
    from pipeline import show, track
    from pipeline.train import run

    tracking = configuration.load(*([f"tracking.uri='{uri}'"] if uri else [])).tracking
    with tempfile.TemporaryDirectory() as folder, track.connected(tracking):
        config = configuration.from_yaml(
            track.config_of_run(run_id, Path(folder)), [*overrides, f"+tracking.tags.rerun_of={run_id}"]
        )
    show.result(run(config))


if __name__ == "__main__":
    main()
