"""`sweep`: one run per combination of values, or a search among them; short for `train --multirun`."""

from collections.abc import Sequence

from pipeline.commands import train


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    train.main(["--multirun", *words])
