"""`study`: runs the sweep that answers a textbook question, draws it, and prints conclusions."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence

from pipeline.commands.arguments import Parser
from pipeline.commands.ending import ends_tidily
from pipeline.compare.study import questions
from pipeline.runtime.console import console, say, say_labelled
from pipeline.runtime.program import program

INTERRUPTED = [128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]  # exit codes

NOTES = """\
A study is a config file, conf/study/NAME.yaml, and a sweep like any other, nested in MLflow.
Overrides change it: seed=0,1 the seeds, model.units=[4],[64] the values of a swept key, fit.epochs=100 any other key.

studies: {names}; without a name, all questions are listed

example:
  %(prog)s width fit.epochs=100
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily(prints_log=True):
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("study", NOTES.format(names=", ".join(questions.names())))
    found.add_argument("name", metavar="NAME", nargs="?", help="name of the study")
    found.add_argument("overrides", metavar="key=value", nargs="*", help="keys to change")
    found.add_argument("--config-dir", metavar="DIR", help="config folder of your own, with study/NAME.yaml")
    return found


def run(args: argparse.Namespace) -> None:
    """Runs the named study, or lists all studies.

    Raises:
        PipelineError: The study does not exist, an override is wrong, or the store cannot be used.
    """
    if args.name:
        study(args.name, args.overrides, args.config_dir)
    else:
        list_all(args.config_dir)


def list_all(config_dir: str | None) -> None:
    """Prints all studies with their questions."""
    from rich.table import Table

    table = Table("study", "question", caption=f"{program()} study NAME")
    for name, question in questions.questions(config_dir):
        table.add_row(name, question)
    console().print(table)


def study(name: str, overrides: list[str], config_dir: str | None = None) -> None:
    """Runs a study: its sweep, its plots and its conclusions.

    Args:
        name: Name of the study.
        overrides: Keys to change, as `key=value`.
        config_dir: The user's own config folder; None for none.

    Raises:
        PipelineError: The study, an override or the store is wrong.
    """
    config, asked = questions.read(name, overrides, config_dir)
    try:
        _sweep(questions.command(name, asked, overrides, config_dir))
    except SystemExit as end:
        if end.code not in INTERRUPTED:
            raise
        folder = ["--config-dir", config_dir] if config_dir else []
        again = shlex.join([name, *overrides, *folder])
        say_labelled(console(), "or, with picture", f"{program()} study {again}")
        raise

    from pipeline import track
    from pipeline.compare.study import conclusions, figures, figures_table, pictures, used_inputs

    with track.studied(config.tracking, name) as sweep:
        lines = figures.gather(asked, sweep)
        seen = conclusions.sentences(asked, lines)
        if "inputs" in asked.pictures:
            seen += [used_inputs.sentence(line, sweep) for line in lines if line.finished]
        texts = {"figures.csv": figures_table.as_csv(asked, lines), "seen.txt": "\n".join(seen)}
        drawn = pictures.draw(asked, lines, sweep)
        sweep.log(drawn, texts, " ".join(seen))
    screen = console()
    screen.print(f"\n{asked.question}", style="bold", highlight=False)
    figures_table.show(asked, lines, screen)
    for sentence in seen:
        say(screen, sentence)
    for picture in drawn:
        say_labelled(screen, "picture", f"{sweep.folder}/{picture}.png")


def _sweep(words: list[str]) -> None:
    """Runs the sweep as the command line would. Failed jobs do not end it, because divergence is part of an answer.

    Raises:
        SystemExit: The sweep could not begin, or was interrupted.
    """
    from pipeline.commands import train

    before = sys.argv
    try:
        train.main(words)
    except SystemExit as end:
        if end.code != 1:  # 1 means failed jobs, which have been reported
            raise
    finally:
        sys.argv = before
