"""Parsing of command-line arguments, and the arguments that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.commands import COMMANDS
from pipeline.errors import NoModelYetError, UsageError, did_you_mean, unknown_words
from pipeline.inference.locate import FORMS, best_run
from pipeline.runtime.atomic_files import whole_file
from pipeline.runtime.console import console, say
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.config.rules import Tracking

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """An argparse parser that takes arguments in any order, and suggests the nearest option for a misspelt one.

    Args:
        command: One of COMMANDS.
        notes: Text at the end of `--help`, with `%(prog)s` for the name of the command.
    """

    def __init__(self, command: str, notes: str = "") -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        prog = f"{program()} {command}"
        super().__init__(prog=prog, description=COMMANDS[command], epilog=notes, formatter_class=formatter)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parses the arguments; exits after `--help` and for arguments that the command does not take."""
        args, unknown = self.parse_known_intermixed_args(list(words))
        if unknown:
            self.error(unknown_words(unknown, self._option_string_actions))
        return args

    def add_model(self) -> None:
        """Adds `MODEL`, which `pipeline.inference.locate` resolves."""
        self.add_argument("model", metavar="MODEL", help=FORMS)

    def add_input(self) -> None:
        """Adds `INPUT`, a file of rows."""
        self.add_argument("input", metavar="INPUT", type=Path, help="CSV (also .tsv, .txt, .data, .gz) or Parquet file")

    def add_store(self) -> None:
        """Adds `--uri`, the store of the runs."""
        self.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")

    def add_strict(self) -> None:
        """Adds `--strict`, which rejects missing values that training did not have."""
        said = (
            "reject missing values in columns without any in training; default: fill them as the model does, and warn"
        )
        self.add_argument("--strict", action="store_true", help=said)

    def add_trust(self) -> None:
        """Adds `--trust`, which loads a model without a matching manifest."""
        self.add_argument(
            "--trust", action="store_true", help="load a model whose manifest is missing or does not match"
        )


def chosen_model(args: argparse.Namespace) -> str:
    """Returns the name of the model; resolves `best:EXPERIMENT` to a run, which is printed."""
    found = best_run(args.model, args.uri)
    if found is None:
        return str(args.model)
    say(console(), found.summary)
    return found.run_id


def making(use: Callable[[], T], uri: str | None) -> T:
    """Returns the result of `use`; if its run has no model because of `sweep.keep`, makes the model first.

    Args:
        use: Loads or finds the model.
        uri: Address of the store; None for the default.

    Raises:
        ModelError: The model cannot be made; the message names the command that trains it again.
    """
    try:
        return use()
    except NoModelYetError as missing:
        from pipeline.sweep import light_trials  # imports all of training

        say(console(), f"run {missing.run_id} has no model yet: making it now")
        light_trials.make(missing.run_id, uri)
        return use()


def warn(about: Iterable[object]) -> None:
    """Prints warnings to standard error, apart from a command's output."""
    for what in about:
        print(f"warning: {what}", file=sys.stderr)


def write_text(path: Path, text: str) -> None:
    """Writes a file atomically, and replaces an existing one.

    Args:
        path: File to write.
        text: Its content.

    Raises:
        UsageError: The folder is missing, or the file cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{path} cannot be written: the folder {path.parent} does not exist; create it, or name another"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; name another file") from None


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Returns an argument type for whole numbers within bounds.

    Args:
        least: Smallest number.
        most: Largest number; None for no limit.
    """
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if (number := int(text)) >= least and (most is None or number <= most):
                return number
        raise argparse.ArgumentTypeError(f"should be a whole number {wanted}, got {text!r}")

    return read


def real_number(least: float) -> Callable[[str], float]:
    """Returns an argument type for finite numbers of at least `least`."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (number := float(text)) < math.inf:
                return number
        raise argparse.ArgumentTypeError(f"should be a number of at least {least:g}, got {text!r}")

    return read


def one_of(*names: str) -> Callable[[str], str]:
    """Returns an argument type for one of these names."""

    def read(text: str) -> str:
        if text not in names:
            hint = did_you_mean(text, names)
            raise argparse.ArgumentTypeError(f"should be {', '.join(names[:-1])} or {names[-1]}, got {text!r}{hint}")
        return text

    return read


def tracking(uri: str | None) -> Tracking:
    """Returns the store of the runs: `--uri`, or that of the config files."""
    from pipeline.config import load  # Hydra takes half a second to import

    found = load().tracking
    return found if uri is None else found.model_copy(update={"uri": uri})
