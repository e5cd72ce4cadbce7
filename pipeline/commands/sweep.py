"""Trains one run per combination of values: `python -m pipeline sweep key=a,b [...]`; `--help` lists the keys."""

from collections.abc import Sequence

from pipeline.commands import train


def main(words: Sequence[str]) -> None:
    """As `train --multirun`."""
    train.main(["--multirun", *words])
