"""`hydra/launcher=local`: the jobs of a sweep in several processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.errors import CompactHydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from pipeline import config as configuration
from pipeline.errors import ConfigError
from pipeline.launch.devices import divide, usable_cpus, visible_gpus
from pipeline.launch.jobs import Job, Sweep, unpacked
from pipeline.launch.pool import Pool, Worker
from pipeline.signals import Terminated

log = logging.getLogger(__name__)


class LocalLauncher(Launcher):
    """Runs jobs in worker processes; each worker runs many, one after the other, so that compiled programs serve again.

    Attributes:
        n_jobs: Jobs that run at once.
    """

    def __init__(self, n_jobs: int | str, trials_per_gpu: int) -> None:
        super().__init__()
        try:
            self._shares = divide(n_jobs, usable_cpus(), visible_gpus(), trials_per_gpu)
        except ConfigError as error:
            raise CompactHydraException(str(error)) from None
        self.n_jobs = len(self._shares)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Takes what all jobs have in common."""
        self._sweep = Sweep.of(hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs jobs; gives what came of them in the order of their overrides."""
        jobs = enumerate(job_overrides, start=initial_job_idx)
        with contextlib.closing(self.stream(jobs)) as ended:
            returns = dict(ended)
        return [returns[number] for number in sorted(returns)]

    def stream(self, jobs: Iterable[tuple[int, Sequence[str]]]) -> Generator[tuple[int, JobReturn], None, None]:
        """Runs jobs as they come, and gives each one's number and what came of it as soon as it has ended.

        The next job is taken from `jobs` only when a worker is free for it, after the results so far were given.
        Whoever stops early closes the generator, best by `contextlib.closing`: then the jobs still running are ended,
        and their runs closed as KILLED.

        Args:
            jobs: Numbers and overrides.
        """
        config = self._sweep.config
        setup_globals()
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        share = self._shares[0]
        log.info("Launching jobs in %d processes of %d threads each", self.n_jobs, share.threads)
        pool = Pool(self._sweep, self._shares)
        number = signal.SIGTERM
        try:
            yield from self._run(pool, iter(jobs))
        except KeyboardInterrupt as interrupt:
            number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
            raise
        finally:
            pool.stop(number)

    def _run(self, pool: Pool, jobs: Iterator[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, JobReturn]]:
        started: dict[int, float] = {}
        while True:
            while pool.has_room and (following := next(jobs, None)) is not None:
                job = self._sweep.job(*following)
                log.info("#%d started: %s", job.number, self._sweep.difference(job))
                started[job.number] = time.monotonic()
                pool.start(job)
            if not pool.is_busy:
                return
            worker, event = pool.event()
            ended, ret = worker.job, self._heard(worker, event)
            if ended is not None and ret is not None:
                worker.job = None
                _tell_of_end(ended, ret, time.monotonic() - started.pop(ended.number))
                yield ended.number, ret

    def _heard(self, worker: Worker, event: tuple[Any, ...]) -> JobReturn | None:
        """What came of a worker's job, if the event is its end."""
        job = worker.job
        if job is None:
            return None
        if event[0] == "said":
            for line in event[2].removeprefix(f"job {job.number} ").splitlines():
                log.log(event[1], "#%d %s", job.number, line)
            return None
        if event[0] == "ended":
            return unpacked(event[1])
        message = _died(event[1], job)
        log.error("#%d failed: %s", job.number, message)
        if worker.pid is not None:
            _close_runs(worker.pid, job, message)
        return job.failed(message)


def _tell_of_end(job: Job, ret: JobReturn, seconds: float) -> None:
    if ret.status == JobStatus.COMPLETED:
        value = ret.return_value
        shown = f"objective {value:.5g}" if isinstance(value, float) else f"result {value}"
        log.info("#%d ended in %.1f s: %s", job.number, seconds, shown)


def _close_runs(pid: int, job: Job, message: str) -> None:
    from pipeline import track  # MLflow takes seconds to import, which a command line with a mistake must not cost

    own = job.config.copy()
    with open_dict(own):
        del own["hydra"]
    track.fail_left_running(configuration.from_hydra(own).tracking, pid, message)


def _died(code: int | None, job: Job) -> str:
    """How a worker ended that was not to end, and what is likely to have been the reason."""
    if code is None:
        how = "its worker process ended"
    elif code >= 0:
        how = f"its worker process ended with exit code {code}"
    else:
        how = f"its worker process was ended by {signal.Signals(-code).name}"
    reason = ", as the system does when memory runs out (fewer hydra.launcher.n_jobs need less)" if code == -9 else ""
    return f"{how}{reason}; its output is in {job.output}"
