"""`compare`: ranks finished runs by validation, and tests whether the best is significantly better."""

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

Options combine: a run must match all of them. Runs are always ranked by validation; test scores are only shown.
The report of a sweep is logged to its parent run as comparison/report.html; other reports are in mlruns/comparisons.
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
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
    """Finds and ranks the runs, and prints or writes the result.

    Raises:
        PipelineError: No run matches, or the store or the report's file cannot be used.
    """
    settings = tracking(args.uri)
    from pipeline import track  # MLflow takes seconds to import
    from pipeline.compare import text_output
    from pipeline.compare.ranking import compare

    with track.existing(settings):
        selected = track.select_runs(args.experiment, args.sweep, args.query)
        if not selected.runs:
            raise PipelineError(f"{selected.title}: no runs found; {program()} ui lists all runs")
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
    """Writes the report, and prints the leaderboard if `on_screen`."""
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
