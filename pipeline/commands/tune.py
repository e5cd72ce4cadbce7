"""`tune`: finds the best model in a given time. It takes the same overrides as `train`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline import config as configuration
from pipeline.commands.ending import ends_tidily
from pipeline.commands.train import run_words
from pipeline.runtime.console import console, number, say
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.sweep.tune import Tuned

MAX_LINES = 20  # best networks to print; networks.csv has all

HELP = """\
usage: {program} tune [key=value ...]

Trains the configured network and then random variations of it until time runs out. Meanwhile it selects the best
ensemble on validation rows, which becomes one run with one model. Keys given as key=value are not varied. Ctrl-C ends
training with the best model so far; repeating the command resumes a killed one.

  tune.minutes=10       training time; null: no limit
  tune.n_trials=20      maximum number of configurations; reproducible with tune.minutes=null fit.max_minutes=null
  tune.patience=20      stop after this many configurations in a row without improvement of the ensemble
  tune.max_entries=32   maximum size of the ensemble
  tune.folds=auto       networks per configuration, validated on different rows; auto: 5 below 5 000 rows, else 1
  tune.distill=true     train one network on the ensemble's predictions: smaller, and less accurate
  tune.optimizers=[adamw,muon]   draw one of these optimizers for each variation
  tune.seed=0           seed of the random variations

All other keys are those of train: {program} train --help.

example:
  {program} tune data=table data.path=my.csv data.target=price tune.minutes=10
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily(prints_log=True):
        if {"-h", "--help"} & set(words):
            print(HELP.format(program=program()), end="")
        elif configuration.only_shows(words):
            run_words(words)
        else:
            run(words)


def run(words: Sequence[str]) -> None:
    """Tunes, and prints the networks and the result.

    Raises:
        PipelineError: The command line or the data are wrong, or every network failed.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    configuration.parse(words, "tune")  # before the imports, which take seconds
    from pipeline.commands.show_result import show
    from pipeline.sweep.tune import tune

    tuned = tune(*words)
    show_networks(tuned)
    show(tuned.result)


def show_networks(tuned: Tuned) -> None:
    """Prints the networks, best first, the ensemble and the baselines."""
    from rich.table import Table

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
        own = "" if tuned.has_folds else number(tuned.result.scores[tuned.score])
        table.add_row("one", own, "", "", "", "", "the model, distilled from it")
    if not tuned.has_folds:
        for name, scores in tuned.result.baselines.scores.items():
            table.add_row("", number(scores[tuned.score]), "", "", "", "", name)
    table.caption = "± to all: standard error of the difference to the ensemble, over validation rows"
    screen = console()
    screen.print(table)
    if tuned.summary:
        say(screen, tuned.summary)
    if len(tuned.lines) > MAX_LINES:
        say(screen, f"{len(tuned.lines) - MAX_LINES} more are in networks.csv of the run")
