"""What the commands beside `train` have in common: words that mean the same in each, and how they end."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator

from pipeline.errors import PipelineError
from pipeline.inference.locate import FORMS
from pipeline.runtime.signals import exit_code, sigterm_raises


def parser(command: str, description: str | None, epilog: str = "") -> argparse.ArgumentParser:
    """A parser of `python -m pipeline.<command>`; both texts are shown as they are written."""
    return argparse.ArgumentParser(
        prog=f"python -m pipeline.{command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds `MODEL`, which `pipeline.inference.locate` resolves."""
    parser.add_argument("model", metavar="MODEL", help=FORMS)


def add_store(parser: argparse.ArgumentParser) -> None:
    """Adds `--uri`."""
    parser.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds `--trust`."""
    parser.add_argument("--trust", action="store_true", help="load a model whose manifest is missing or does not match")


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number from `least` on."""

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if (number := int(text)) >= least:
                return number
        raise argparse.ArgumentTypeError(f"should be a whole number from {least} on, got {text!r}")

    return read


@contextlib.contextmanager
def ends_tidily() -> Iterator[None]:
    """Makes of a mistake a message and exit code 1, of Ctrl-C and SIGTERM the exit code that shells expect of them."""
    try:
        with sigterm_raises():
            yield
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))
