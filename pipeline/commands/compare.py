"""`compare`: finished runs, ranked by validation, and whether the best is the best."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.arguments import Parser, one_of, tracking, whole_number
from pipeline.commands.ending import ends_tidily
from pipeline.compare import TOP
from pipeline.errors import PipelineError
from pipeline.runtime.program import program

if TYPE_CHECKING:
    from pipeline.compare.ranking import Comparison
    from pipeline.track import Selected

NOTES = """\
examples:
  %(prog)s                                       the latest sweep
  %(prog)s --sweep nimble-grouse-772             a sweep, by name or run id
  %(prog)s --experiment houses                   all runs of an experiment
  %(prog)s --query 'params.`model.units` = "[64, 64]" and metrics.val_rmse < 60'
  %(prog)s --format csv > runs.csv

All that is named must hold. Runs are always ranked by validation; test scores are shown and choose nothing.
A sweep's report is logged to its parent run, as comparison/report.html; another's lies under mlruns/comparisons.
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """The words that it takes."""
    found = Parser("compare", NOTES)
    found.add_argument("--sweep", metavar="NAME", help="name or id of a sweep's parent run; default: the latest sweep")
    found.add_argument("--experiment", metavar="NAME", help="MLflow experiment")
    found.add_argument("--query", metavar="FILTER", help="filter in MLflow's language")
    found.add_argument("--objective", metavar="SCORE", help="val_* score to rank by; default: the runs' own")
    text_output = one_of("table", "csv", "json", "md")
    found.add_argument("--format", type=text_output, default="table", help="table (the default), csv, json or md")
    found.add_argument(
        "--top", type=whole_number(1), metavar="N", help=f"configurations to print; default: {TOP}, else all"
    )
    found.add_argument("--report", type=Path, metavar="FILE", help="write the HTML report there")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Finds the runs, ranks them, and prints or writes what is asked for.

    Raises:
        PipelineError: There are no such runs, or the store or the report's file cannot be used.
    """
    settings = tracking(args.uri)
    from pipeline import track  # MLflow takes seconds to import
    from pipeline.compare import text_output
    from pipeline.compare.ranking import compare

    with track.existing(settings):
        selected = track.select_runs(args.experiment, args.sweep, args.query)
        if not selected.runs:
            raise PipelineError(f"{selected.title}: there is no run in it yet; {program()} ui shows what there is")
        comparison = compare(selected, args.objective)
        written = {"csv": text_output.as_csv, "json": text_output.as_json, "md": text_output.as_markdown}.get(
            args.format
        )
        if written is None or args.report is not None:
            _report(args, selected, comparison, on_screen=written is None)
    if written is not None:
        for text in comparison.notes:
            print(text, file=sys.stderr)
        sys.stdout.write(written(comparison, args.top))


def _report(args: argparse.Namespace, selected: Selected, comparison: Comparison, *, on_screen: bool) -> None:
    """Writes the page, and shows the leaderboard if wanted."""
    from pipeline import config
    from pipeline.compare import leaderboard_text
    from pipeline.compare.findings import find
    from pipeline.compare.report import save_report as report

    found = find(comparison)
    if args.report is not None:
        place = report.write(args.report, found)
    elif selected.parent is not None:
        place = report.log(selected.parent.id, found)
    else:
        name = re.sub(r"[^\w.-]+", "_", selected.title)[:80]
        place = report.write(config.mlruns() / "comparisons" / f"{name}.html", found)
    if on_screen:
        leaderboard_text.show(found, args.top or TOP, {"report": place})
