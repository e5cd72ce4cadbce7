"""`sync`: brings runs to their store that it has not got whole, because it was away or they were killed."""

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
Runs that are being trained are left alone; it may be called beside them, and as often as one likes. What the store has
got is removed from the spool: mlruns/spool, or the folder that PIPELINE_SPOOL names.
"""


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """The words that it takes."""
    found = Parser("sync", NOTES)
    found.add_argument("--uri", help="store whose runs are sent; default: all, each to its own store")
    return found


def run(args: argparse.Namespace) -> None:
    """Sends them, says what came of it, and has the models made that sweeps are to have.

    Raises:
        PipelineError: A run could not be sent, or a model not be made.
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
        ("KILLED now: its process was gone", found.closed),
        ("left to its own process", found.alive),
        ("its process is gone; the same command goes on with it", found.resumable),
    ):
        for run_id in ids:
            say(console(), f"run {run_id}: {what}")
    if not found.runs and not found.kept:
        say(console(), "nothing is waiting for a store")
    if found.kept:
        outcome = [f"run {run_id}: {why}" for run_id, why in found.kept.items()]
        raise TrackingError("\n".join([*outcome, "these stay in the spool; sync again when the store can be reached"]))
    for uri, runs in lacking.items():
        light_trials.make_all(runs, uri)
