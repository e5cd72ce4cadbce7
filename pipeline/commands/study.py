"""Runs a study, draws the picture that answers its question and tells what was seen.

`python -m pipeline study width` runs conf/experiment/study_width.yaml: a sweep like any other, nested in MLflow.
Further words change it: `seed=0,1` the seeds, `model.units=[4],[64]` a swept key's values, `fit.epochs=100` the rest.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pipeline.commands import arguments, train
from pipeline.compare.study import questions


def main(words: Sequence[str]) -> None:
    """The command line."""
    known = f"studies: {', '.join(questions.names())}; without a name their questions are listed"
    parser = arguments.parser("study", __doc__, known)
    parser.add_argument("name", nargs="?", help="which study")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="what to change")
    parser.add_argument("--config-dir", metavar="DIR", help="folder of your own, with experiment/study_<name>.yaml")
    args = parser.parse_args(words)
    with arguments.ends_tidily():
        if args.name:
            study(args.name, args.overrides, args.config_dir)
        else:
            list_all(args.config_dir)


def list_all(config_dir: str | None) -> None:
    """Prints what there is to ask."""
    table = Table("study", "question", caption="make study NAME=<study>")
    for name, question in questions.questions(config_dir):
        table.add_row(name, question)
    Console().print(table)


def study(name: str, overrides: list[str], config_dir: str | None = None) -> None:
    """Runs a study from its sweep to its sentences.

    Raises:
        PipelineError: The study, an override or the store is wrong.
    """
    config, asked = questions.read(name, overrides, config_dir)
    try:
        _sweep(questions.command(name, asked, overrides, config_dir))
    except SystemExit:
        folder = ["--config-dir", config_dir] if config_dir else []
        print(f"{'or, with picture':18}python -m pipeline study {shlex.join([name, *overrides, *folder])}")
        raise

    from pipeline import track
    from pipeline.compare.study import conclusions, figures, kept_inputs, pictures, table

    with track.studied(config.tracking, name) as sweep:
        lines = figures.gather(asked, sweep)
        seen = conclusions.sentences(asked, lines)
        if "inputs" in asked.pictures:
            seen += [kept_inputs.sentence(line, sweep) for line in lines if line.finished]
        texts = {"figures.csv": table.as_csv(asked, lines), "seen.txt": "\n".join(seen)}
        drawn = pictures.draw(asked, lines, sweep)
        sweep.log(drawn, texts, " ".join(seen))
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(f"\n{asked.question}", style="bold", highlight=False)
    table.show(asked, lines, console)
    for sentence in seen:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    for picture in drawn:
        console.print(f"{'picture':18}{sweep.folder}/{picture}.png", soft_wrap=True, highlight=False, markup=False)


def _sweep(words: list[str]) -> None:
    """Runs the sweep as the command line would. That jobs fail does not end it: what diverges is part of an answer.

    Raises:
        SystemExit: It could not begin, or was interrupted.
    """
    before = sys.argv
    try:
        train.main(words)
    except SystemExit as end:
        if end.code != 1:  # which jobs that failed leave behind, when they were told of
            raise
    finally:
        sys.argv = before
