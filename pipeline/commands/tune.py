"""`tune`: the best model in a given time. Its words are those of `train`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from rich.table import Table

from pipeline import config as configuration
from pipeline.commands.ending import ends_tidily
from pipeline.commands.train import run_words, show
from pipeline.runtime.console import console, number, say
from pipeline.runtime.program import program
from pipeline.sweep.tune import Tuned, tune

MAX_LINES = 20  # of networks, the best; networks.csv has all

HELP = """\
usage: {program} tune [key=value ...]

Trains the configured network first and then others, drawn around it, until time is over; after each it selects the
best ensemble of them by validation rows, which becomes one run with one model. What is typed is not drawn. Ctrl-C
ends the training with the model that there is by then; the same command goes on where it was killed.

  tune.minutes=10       of training; null: no limit
  tune.n_trials=20      so many networks at most; with tune.minutes=null the result repeats
  tune.patience=20      ends after so many networks in a row that have not improved the ensemble
  tune.max_entries=32   of the ensemble
  tune.folds=auto       networks of a configuration, each validated by other rows; auto: 5 below 5 000 rows, else 1
  tune.distill=true     the model is one network that is trained on what the ensemble gives: smaller, and not as good
  tune.seed=0           of what is drawn

All other keys are those of train: {program} train --help.

example:
  {program} tune data=table data.path=my.csv data.target=price tune.minutes=10
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily(prints_log=True):
        if {"-h", "--help"} & set(words):
            print(HELP.format(program=program()), end="")
        elif configuration.only_shows(words):
            run_words(words)
        else:
            run(words)


def run(words: Sequence[str]) -> None:
    """Tunes and shows what came of it.

    Raises:
        PipelineError: The words or the data are wrong, or no network comes to anything.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    tuned = tune(*words)
    show_networks(tuned)
    show(tuned.result)


def show_networks(tuned: Tuned) -> None:
    """Prints the networks, best first, the ensemble, and the baselines."""
    table = Table("network", tuned.score, "± to all", "share", "epochs", "seconds", "overrides")
    for column in table.columns[:-1]:
        column.justify = "right"
    for line in tuned.lines[:MAX_LINES]:
        share = f"{line.share:.0%}" if line.share else ""
        training = f"{line.epochs}", f"{line.seconds:.1f}", line.words or "-"
        table.add_row(str(line.number), number(line.loss), f"{line.error:.2g}", share, *training)
    table.add_section()
    table.add_row("all", number(tuned.loss), "", "100%", "", "", "the ensemble")
    if tuned.is_distilled:
        table.add_row("one", number(tuned.result.scores[tuned.score]), "", "", "", "", "the model, distilled from it")
    if not tuned.has_folds:
        for name, scores in tuned.result.baselines.scores.items():
            table.add_row("", number(scores[tuned.score]), "", "", "", "", name)
    table.caption = "± to all: standard error of the difference to the ensemble, over validation rows"
    screen = console()
    screen.print(table)
    if tuned.summary:
        say(screen, tuned.summary)
    if len(tuned.lines) > MAX_LINES:
        say(screen, f"{len(tuned.lines) - MAX_LINES} others stand in networks.csv of the run")
