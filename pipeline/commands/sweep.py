"""`sweep`: one run per combination of values, or a search among them; `train --multirun` in a word."""

from collections.abc import Sequence

from pipeline.commands import train


def main(words: Sequence[str]) -> None:
    """The command line."""
    train.main(["--multirun", *words])
