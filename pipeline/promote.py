"""Gives an alias to a registered version, and shows how it compares: `python -m pipeline.promote NAME VERSION`."""

import argparse
import sys

from pipeline.errors import PipelineError
from pipeline.signals import exit_code, sigterm_raises


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.promote", description=__doc__)
    parser.add_argument("name", help="of the registered model")
    parser.add_argument("version", help="that is to hold the alias, as in 2, or latest")
    parser.add_argument("--alias", default="champion", help="default: champion")
    parser.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    args = parser.parse_args()
    from pipeline import show
    from pipeline.track.registry import promote

    try:
        with sigterm_raises():
            show.registered(promote(args.name, args.version, args.alias, args.uri))
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))


if __name__ == "__main__":
    main()
