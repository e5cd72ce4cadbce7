"""Starts or resumes a sweep: opens its parent run, and shows the table at the end.

`track/parent_run.py` finds the parent run of a repeated command by its key, `track/trials.py` the finished trials,
and `trial.py` skips these.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_launcher import BasicLauncher

from pipeline import compare
from pipeline.config import Command, Config
from pipeline.config.ranges import values_of
from pipeline.errors import ModelError, PipelineError
from pipeline.runtime.program import stored_program
from pipeline.runtime.quiet import quiet
from pipeline.sweep.claims import claimed
from pipeline.sweep.current_sweep import OF_THE_ROWS, OpenSweep, leading
from pipeline.sweep.identity import is_same_command, origins_of, sweep_key
from pipeline.sweep.progress import VARIABLE, Progress

if TYPE_CHECKING:
    from pipeline.track import ParentRun, TrackedRun

log = logging.getLogger(__name__)

# Loggers of details of a single run, which are quiet in a sweep: each trial is one line.
LOGGED_IN_FULL = (
    "pipeline.fit.callbacks", "pipeline.fit.execution", "pipeline.fit.batching", "pipeline.fit.history",
    "pipeline.export.saved_model", "pipeline.track.start_run", BasicLauncher.__module__,
)  # fmt: skip


TRAINS_HERE = ("basic", "packed")  # launchers whose trials train in this process


@contextlib.contextmanager
def parent(command: Command) -> Iterator[None]:
    """Opens the parent run of a sweep, and shows the ranking of its trials when the last job has ended.

    Raises:
        SweepError: The study was started with other data, ranges, settings or code.
    """
    if not command.is_sweep:
        yield
        return
    from pipeline import track

    if command.launcher in TRAINS_HERE:
        track.connect_in_advance(command.config.tracking)  # beside the imports here, which take seconds
    from pipeline.sweep import results_table

    origins = origins_of(command)
    if command.is_search and command.config.search.study_name is not None:
        from pipeline.sweep.search.optuna_study import check_begun  # Optuna takes a second

        check_begun(command.config.search.study_name, command.config.search.storage, origins)
    key = sweep_key(command, origins)
    words = shlex.join(word for word in sys.argv[1:] if word != "sweep.resume=off")  # arguments that resume the sweep
    tags = {
        "sweep": " ".join(command.overrides),
        "command": f"{stored_program()} train {words}",
        "search_space": "\n".join(f"{name}: {given}" for name, given in command.space.items()),
        "sweeper": f"search, {command.config.search.sampler}" if command.is_search else "grid",
        results_table.ORIGINS: json.dumps(origins),
    }
    with contextlib.ExitStack() as at_the_end, contextlib.ExitStack() as resources:
        with claimed(key, wait=True):  # of two simultaneous commands only one makes the parent run
            opened = resources.enter_context(track.sweep(command.config, key, tags))
        if opened.taken_up:
            results_table.show_taken_up(opened, command.config.search.study_name)
        elif not opened.is_away and (former := _of_same_command(command, opened.run_id)):
            results_table.show_begun_anew(former, origins)
        at_the_end.callback(_conclude, opened, command.config, words)
        resources.enter_context(_without_hydra_hints(command, origins))
        yield


@contextlib.contextmanager
def _without_hydra_hints(command: Command, origins: dict[str, str]) -> Iterator[None]:
    """Makes this process lead the sweep, with one line for each trial instead of Hydra's."""
    os.environ[VARIABLE] = json.dumps(list(command.space))
    progress = Progress(None if command.is_search else _n_jobs(command))
    try:
        with (
            leading(OpenSweep(command, origins, progress)),
            quiet(*LOGGED_IN_FULL),
            quiet(OF_THE_ROWS, level=logging.NOTSET),
        ):
            yield
    finally:
        del os.environ[VARIABLE]


def _n_jobs(command: Command) -> int:
    return math.prod(len(values_of(given) or ()) for given in command.space.values())


def _of_same_command(command: Command, begun: str) -> TrackedRun | None:
    """Finds an earlier sweep of the same command, which had other origins; None if there is none."""
    from pipeline import track

    if command.config.sweep.resume == "off":  # the user asked for a new sweep
        return None
    typed = " ".join(command.overrides)
    before = (run for run in track.sweeps(command.config.tracking) if run.id != begun)
    return next((run for run in before if is_same_command(run.tags["sweep"], typed)), None)


def _conclude(opened: ParentRun, config: Config, words: str) -> None:
    """Shows the ranking of a finished sweep, reports its best trial, and makes the models that `sweep.keep` wants.

    Its own errors do not hide the error that ended the sweep.
    """
    from pipeline.sweep import light_trials, results_table

    comparison, tracking = None, config.tracking
    try:
        comparison = compare.rank_sweep(opened.run_id, tracking)
        results_table.show_ranking(opened, comparison, tracking)
    except PipelineError as error:
        log.error("the sweep's runs could not be ranked: %s", error)
    results_table.list_next(opened, tracking, words)
    if comparison is not None and comparison.best is not None:
        compare.report_sweep(opened.run_id, comparison, tracking)
        if opened.is_over:
            _make_models(light_trials.lacking(comparison, config.sweep.keep), opened)


def _make_models(runs: list[TrackedRun], opened: ParentRun) -> None:
    """Makes the missing models.

    Raises:
        ModelError: A model could not be made, and the sweep ended without another error.
    """
    from pipeline.sweep import light_trials

    try:
        light_trials.make_all(runs, opened.uri)
    except ModelError as error:
        if opened.status == "FINISHED":
            raise
        log.error("%s", error)
