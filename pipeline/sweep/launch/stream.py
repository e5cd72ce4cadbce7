"""Base of the launchers: takes jobs while workers are free, and yields results as jobs end."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from pipeline import config as configuration
from pipeline.runtime import signals
from pipeline.sweep.current_sweep import is_open_here, open_here
from pipeline.sweep.launch.remote_job import Job, LaunchedSweep, unpacked

log = logging.getLogger(__name__)

Event = tuple[Any, ...]  # ("said", level, text), ("ended", packed JobReturn) or ("lost", message)


class Workers(Protocol):
    """Runs jobs in other processes."""

    @property
    def has_room(self) -> bool:
        """Whether another job can be started."""

    @property
    def is_busy(self) -> bool:
        """Whether a job is running."""

    def start(self, job: Job) -> None:
        """Starts a job on a free worker."""

    def event(self) -> tuple[Job, Event]:
        """Waits for the next event of any job."""

    def stop(self, number: signal.Signals) -> None:
        """Stops all jobs with a signal, and waits until they have closed their runs."""


class StreamLauncher(Launcher):
    """A launcher that takes jobs one by one.

    Attributes:
        n_jobs: Number of simultaneous jobs; known after `setup`.
    """

    n_jobs: int

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Stores what all jobs have in common.

        Args:
            hydra_context: Hydra's config loader and callbacks.
            task_function: Runs a job with its config.
            config: Of the sweep.
        """
        self._sweep = LaunchedSweep.of(hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs jobs; returns their results in the order of their overrides.

        Args:
            job_overrides: Overrides of each job.
            initial_job_idx: Number of the first job.
        """
        jobs = enumerate(job_overrides, start=initial_job_idx)
        with contextlib.closing(self.stream(jobs)) as ended:
            returns = dict(ended)
        return [returns[number] for number in sorted(returns)]

    def stream(self, jobs: Iterable[tuple[int, Sequence[str]]]) -> Generator[tuple[int, JobReturn], None, None]:
        """Runs jobs, and yields each job's number and result as soon as it ends.

        It takes the next job from `jobs` only when a worker is free, after it has yielded the results so far. To stop
        early, close the generator, best by `contextlib.closing`: the running jobs are stopped and their runs closed as
        KILLED.

        Args:
            jobs: Numbers and overrides.
        """
        config = self._sweep.config
        setup_globals()
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        workers = self._workers()
        number = signal.SIGTERM
        try:
            yield from _run(self._sweep, workers, iter(jobs))
        except KeyboardInterrupt as interrupt:
            signals.leave()
            number = signals.number_of(interrupt)
            raise
        finally:
            workers.stop(number)

    @abstractmethod
    def _workers(self) -> Workers:
        """Starts what runs the jobs."""


def _run(
    sweep: LaunchedSweep, workers: Workers, jobs: Iterator[tuple[int, Sequence[str]]]
) -> Iterator[tuple[int, JobReturn]]:
    started: dict[int, float] = {}
    not_run: dict[int, str] = {}
    while True:
        while workers.has_room and (following := next(jobs, None)) is not None:
            job = sweep.job(*following)
            log.debug("#%d started: %s", job.number, sweep.difference(job))
            started[job.number] = time.monotonic()
            workers.start(job)
        if not workers.is_busy:
            return
        job, event = workers.event()
        if event[:2] == ("said", logging.INFO):
            not_run[job.number] = event[2]
            continue
        ret = _heard(job, event)
        if ret is not None:
            why = not_run.pop(job.number, None)
            outcome = why or _outcome(ret, time.monotonic() - started.pop(job.number))
            _tell_of_end(job, sweep.difference(job), outcome, was_run=why is None)
            yield job.number, ret


def _heard(job: Job, event: Event) -> JobReturn | None:
    """Returns the result of a job if the event ends it; logs any other event."""
    match event:
        case ("said", level, text):
            for line in text.removeprefix(f"job {job.number} ").splitlines():
                log.log(level, "#%d %s", job.number, line)
            return None
        case ("ended", outcome):
            return unpacked(outcome)
        case ("lost", message):
            log.error("#%d failed: %s", job.number, message)
            _close_runs(job, message)
            return job.failed(message)
        case _:
            raise AssertionError(event)


def _outcome(ret: JobReturn, seconds: float) -> str:
    shown = "failed"
    if ret.status == JobStatus.COMPLETED:
        value = ret.return_value
        shown = f"objective {value:.5g}" if isinstance(value, float) else str(value)
    return f"{shown}, {seconds:.1f} s"


def _tell_of_end(job: Job, words: str, outcome: str, *, was_run: bool) -> None:
    line = open_here().progress.ended(words, outcome, was_run=was_run) if is_open_here() else outcome
    log.info("#%d %s", job.number, line)


def _close_runs(job: Job, message: str) -> None:
    from pipeline import track  # MLflow takes seconds to import, which an invalid command line need not wait for

    own = job.config.copy()
    with open_dict(own):
        del own["hydra"]
    track.fail_left_running(configuration.from_hydra(own).tracking, job.name, message)
