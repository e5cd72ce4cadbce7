"""Registers the model of a run: `python -m pipeline.register MODEL NAME [--alias champion] [--force]`."""

import argparse
import sys

from pipeline.errors import PipelineError
from pipeline.signals import exit_code, sigterm_raises

EPILOG = """\
MODEL is a run id, runs:/ID or best:EXPERIMENT.

It is compared with the version that holds the alias (without --alias: champion) by that version's validation
objective, and refused if it is worse, or if the two did not see the same rows.

example:
  python -m pipeline.register best:california houses --alias champion
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.register",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="what names the run, see below")
    parser.add_argument("name", help="to register it under")
    parser.add_argument("--alias", help="that it is to hold, as in champion; default: none")
    parser.add_argument("--force", action="store_true", help="register it though it is worse, or does not compare")
    parser.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    args = parser.parse_args()
    from pipeline import show
    from pipeline.track.registry import register

    try:
        with sigterm_raises():
            show.registered(register(args.model, args.name, args.alias, args.force, args.uri))
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))


if __name__ == "__main__":
    main()
