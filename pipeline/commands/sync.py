"""`sync`: sends runs to their store that are incomplete there, because it was unavailable or they were killed."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence

from pipeline import compare
from pipeline.commands.arguments import Parser, tracking
from pipeline.commands.ending import ends_tidily
from pipeline.errors import TrackingError
from pipeline.runtime.console import console, say

NOTES = """\
Runs that are still training are left alone, so sync can be called at any time. What the store has received is removed
from the spool: mlruns/spool, or the folder that PIPELINE_SPOOL names.
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("sync", NOTES)
    found.add_argument("--uri", help="store whose runs are sent; default: all, each to its own store")
    return found


def run(args: argparse.Namespace) -> None:
    """Sends the runs, prints the outcome, and makes the models that `sweep.keep` asks for.

    Raises:
        PipelineError: A run could not be sent, or a model could not be made.
    """
    from pipeline import track  # MLflow takes seconds to import
    from pipeline.sweep import light_trials

    found, lacking = track.send_left(args.uri), defaultdict[str, list[track.TrackedRun]](list)
    for uri, sweep in found.sweeps:
        tracking_of_it = tracking(uri)
        comparison = compare.rank_sweep(sweep, tracking_of_it)
        compare.report_sweep(sweep, comparison, tracking_of_it)
        lacking[uri] += light_trials.lacking(comparison, light_trials.asked_of(comparison))
    for run_id in found.runs:
        say(console(), f"run {run_id}: sent")
    for what, ids in (
        ("marked KILLED: its process has ended", found.closed),
        ("still running in its own process", found.alive),
        ("its process has ended; the same command resumes it", found.resumable),
    ):
        for run_id in ids:
            say(console(), f"run {run_id}: {what}")
    if not found.runs and not found.kept:
        say(console(), "no runs to send")
    if found.kept:
        outcome = [f"run {run_id}: {why}" for run_id, why in found.kept.items()]
        raise TrackingError("\n".join([*outcome, "these stay in the spool; sync again when this is mended"]))
    for uri, runs in lacking.items():
        light_trials.make_all(runs, uri)
