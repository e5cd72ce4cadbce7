"""The words of commands: how they are read, and those that mean the same in each."""

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
    """As argparse's, but words may stand in any order, and what is misspelt is told with the nearest that there is.

    Args:
        command: One of COMMANDS.
        notes: What `--help` says at its end, as it is written, with `%(prog)s` for how the command is called.
    """

    def __init__(self, command: str, notes: str = "") -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        prog = f"{program()} {command}"
        super().__init__(prog=prog, description=COMMANDS[command], epilog=notes, formatter_class=formatter)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """What the words say. Ends the process after `--help`, and where they say nothing that the command takes."""
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
        """Adds `--uri`."""
        self.add_argument("--uri", help="store of the runs; default: $MLFLOW_TRACKING_URI, else SQLite under mlruns/")

    def add_strict(self) -> None:
        """Adds `--strict`."""
        said = "refuse a gap in a column in which training had none; default: fill it as the model does, and warn"
        self.add_argument("--strict", action="store_true", help=said)

    def add_trust(self) -> None:
        """Adds `--trust`."""
        self.add_argument(
            "--trust", action="store_true", help="load a model whose manifest is missing or does not match"
        )


def chosen_model(args: argparse.Namespace) -> str:
    """What names the model; for `best:EXPERIMENT` the run that it stands for, after a line that says which."""
    found = best_run(args.model, args.uri)
    if found is None:
        return str(args.model)
    say(console(), found.summary)
    return found.run_id


def making(use: Callable[[], T], uri: str | None) -> T:
    """What `use` gives; where the run that it takes has no model yet, as `sweep.keep` says, that is made first.

    Raises:
        ModelError: It cannot be made; the message says by what command there is one.
    """
    try:
        return use()
    except NoModelYetError as missing:
        from pipeline.sweep import light_trials  # late: all of training comes with it

        say(console(), f"run {missing.run_id} has no model yet: it is made now")
        light_trials.make(missing.run_id, uri)
        return use()


def warn(about: Iterable[object]) -> None:
    """Prints a warning for each, where it does not mix with what a command answers."""
    for what in about:
        print(f"warning: {what}", file=sys.stderr)


def write_text(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all; what has that name is replaced.

    Raises:
        UsageError: Its folder is missing, or it cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{path} cannot be written: there is no folder {path.parent}; make it, or name another"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; name another file") from None


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of an argument that is a whole number, of these bounds."""
    wanted = f"from {least} on" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if (number := int(text)) >= least and (most is None or number <= most):
                return number
        raise argparse.ArgumentTypeError(f"should be a whole number {wanted}, got {text!r}")

    return read


def real_number(least: float) -> Callable[[str], float]:
    """The type of an argument that is a finite number from `least` on."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (number := float(text)) < math.inf:
                return number
        raise argparse.ArgumentTypeError(f"should be a number from {least:g} on, got {text!r}")

    return read


def one_of(*names: str) -> Callable[[str], str]:
    """The type of an argument that is one of these names."""

    def read(text: str) -> str:
        if text not in names:
            hint = did_you_mean(text, names)
            raise argparse.ArgumentTypeError(f"should be {', '.join(names[:-1])} or {names[-1]}, got {text!r}{hint}")
        return text

    return read


def tracking(uri: str | None) -> Tracking:
    """Where the runs are kept: `--uri`, or what the files in conf/ say."""
    from pipeline.config import load  # Hydra takes half a second to import

    found = load().tracking
    return found if uri is None else found.model_copy(update={"uri": uri})
