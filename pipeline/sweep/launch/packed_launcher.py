"""`hydra/launcher=packed`: trains jobs of a sweep with the same rows as one network, in this process."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, configure_log, env_override, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from pipeline import config as configuration
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.sweep.identity import settings_key
from pipeline.sweep.launch import remote_job
from pipeline.sweep.launch.remote_job import Job, LaunchedSweep
from pipeline.sweep.packed_trials import Shared, packs, story, why_alone
from pipeline.sweep.search.outcome import TRIAL_VARIABLE
from pipeline.sweep.trial_job import attempt

log = logging.getLogger(__name__)

NOTHING_SIMILAR = "no other job is left with the same rows and a similar shape"
Numbered = tuple[int, Sequence[str]]
Ended = tuple[int, JobReturn]


@dataclass(frozen=True)
class Waiting:
    """A job that can be packed with others."""

    job: Job
    config: Config

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that Hydra sets for the job."""
        found = OmegaConf.to_container(self.job.config.hydra.job.env_set, resolve=True)
        assert isinstance(found, dict)
        return {str(name): str(value) for name, value in found.items()}

    def returned(self, status: JobStatus, value: Any) -> JobReturn:
        """Returns the result of the job for Hydra.

        Args:
            status: Of the job.
            value: Its result or error.
        """
        return JobReturn(
            overrides=list(self.job.config.hydra.overrides.task),
            cfg=self.job.config,
            hydra_cfg=self.job.config,
            working_dir=str(Path.cwd()),
            task_name=self.job.config.hydra.job.name,
            status=status,
            _return_value=value,
        )


class PackedLauncher(Launcher):
    """Trains jobs of similar shapes as one network, the others one after another.

    Attributes:
        n_jobs: Number of simultaneous jobs.
    """

    def __init__(self, members: int) -> None:
        super().__init__()
        self.n_jobs = members

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
        self._begin()
        returns = dict(self._run(list(enumerate(job_overrides, start=initial_job_idx))))
        return [returns[number] for number in sorted(returns)]

    def stream(self, given: Iterable[Numbered]) -> Generator[Ended, None, None]:
        """Runs jobs, at most `n_jobs` at once, and yields each job's number and result as soon as it ends.

        Args:
            given: Numbers and overrides.
        """
        self._begin()
        remaining = iter(given)
        while some := list(itertools.islice(remaining, self.n_jobs)):
            yield from self._run(some)

    def _begin(self) -> None:
        config = self._sweep.config
        setup_globals()
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)

    def _run(self, given: Sequence[Numbered]) -> Iterator[Ended]:
        """Runs jobs, packed if possible; last those that repeat another one, whose result they find."""
        waiting, alone, repeating = self._divided(given)
        for indices in packs([one.config for one in waiting], self.n_jobs):
            pack = [waiting[index] for index in indices]
            if len(pack) > 1:
                yield from _trained(pack)
            else:
                alone.setdefault(NOTHING_SIMILAR, []).append(pack[0].job)
        for why, those in alone.items():
            log.info("trained alone, for %s: #%s", why, ", #".join(str(job.number) for job in those))
            for job in those:
                yield job.number, self._run_alone(job)
        for job in repeating:
            yield job.number, self._run_alone(job)

    def _divided(self, given: Sequence[Numbered]) -> tuple[list[Waiting], dict[str, list[Job]], list[Job]]:
        """Returns the jobs that can be packed, by the reason those that must train alone, and repetitions of the first.

        A pack holds the claims of all its trials, so the repetition of one would wait for itself.
        """
        waiting: list[Waiting] = []
        alone: dict[str, list[Job]] = {}
        repeating: list[Job] = []
        known: set[str] = set()
        for numbered in given:
            job = self._sweep.job(*numbered)
            found = _waiting(job)
            if isinstance(found, str):
                alone.setdefault(found, []).append(job)
            elif (key := settings_key(found.config)) in known:
                repeating.append(job)
            else:
                known.add(key)
                waiting.append(found)
        return waiting, alone, repeating

    def _run_alone(self, job: Job) -> JobReturn:
        log.debug("#%d started: %s", job.number, self._sweep.difference(job))
        try:
            return remote_job.run_here(self._sweep, job, self._sweep.task_function)
        finally:
            configure_log(self._sweep.config.hydra.hydra_logging, self._sweep.config.hydra.verbose)


def _waiting(job: Job) -> Waiting | str:
    """Prepares a job for packing, or returns why it must train alone."""
    hydra = job.config.hydra
    try:
        own = [str(key) for key in job.config if key != "hydra"]
        config = configuration.from_hydra(OmegaConf.masked_copy(job.config, own))
    except ConfigError:
        return "its configuration"  # the job reports the error itself
    waiting = Waiting(job, config)
    if hydra.job.chdir or hydra.callbacks or set(waiting.environment) - {TRIAL_VARIABLE}:
        return "hydra.job.chdir, hydra.job.env_set or hydra.callbacks"
    return why_alone(config) or waiting


def _trained(pack: Sequence[Waiting]) -> Iterator[Ended]:
    """Trains jobs as one network; each has its own run and its own end."""
    log.info("%d jobs train as one network: #%s", len(pack), ", #".join(str(one.job.number) for one in pack))
    with contextlib.ExitStack() as resources:
        shared = Shared(resources)
        members = [_Member(waiting, _attempted(waiting, shared)) for waiting in pack]
        try:
            yield from _steps(members, shared)
        except BaseException as error:
            stop = KeyboardInterrupt() if isinstance(error, GeneratorExit) else error
            for member in members:
                with contextlib.suppress(BaseException):
                    member.steps.throw(stop)
            raise


def _steps(members: Sequence[_Member], shared: Shared) -> Iterator[Ended]:
    """Builds all members, opens their runs while the pack is compiled, and trains; yields each member that ends."""
    built = []
    for member in members:
        ended = member.go(partial(next, member.steps))
        if ended is None:
            built.append(member)
        else:
            yield member.number, ended
    if not built:
        return
    with shared.pack([member.given for member in built]) as pack:
        reports = {}
        for place, member in enumerate(built):
            ended = member.go(partial(next, member.steps))
            if ended is None:
                reports[place] = member.given
            else:
                yield member.number, ended
        for together in pack.train(reports):
            yield from _finished([(built[place], came) for place, came in together])


def _finished(members: Sequence[tuple[_Member, Any]]) -> Iterator[Ended]:
    """Scores members whose training has ended, and yields each: its run is sent while the next one is scored."""
    before: _Member | None = None
    for member, came in members:
        goes_on = member.steps.throw if isinstance(came, Exception) else member.steps.send
        ended = member.go(partial(goes_on, came))
        if before is not None:
            yield before.number, before.end()
        before = member if ended is None else None
        if ended is not None:
            yield member.number, ended
    if before is not None:
        yield before.number, before.end()


class _Member:
    """A packed job."""

    def __init__(self, waiting: Waiting, steps: Generator[Any, Any, Any]) -> None:
        self._waiting, self.steps = waiting, steps
        self.number = waiting.job.number
        self.given: Any = None  # what its last step yielded: the Job to train, the report of its epochs, then nothing

    def go(self, step: Callable[[], Any]) -> JobReturn | None:
        """Runs the job until it waits for training, or to its end; returns the result at its end."""
        with env_override(self._waiting.environment), _numbered(self.number):
            try:
                self.given = step()
            except StopIteration as end:
                return self._waiting.returned(JobStatus.COMPLETED, end.value)
            except Exception as error:
                return self._waiting.returned(JobStatus.FAILED, error)
        return None

    def end(self) -> JobReturn:
        """Runs the job, which is scored, to its end."""
        ended = self.go(partial(next, self.steps))
        assert ended is not None, "only the run's end is left"
        return ended


def _attempted(waiting: Waiting, shared: Shared) -> Generator[Any, Any, Any]:
    """Returns the job as a trial that waits for the common training."""
    words = list(waiting.job.config.hydra.overrides.task)
    return attempt(waiting.job.number, words, lambda: waiting.config, story(shared))


@contextlib.contextmanager
def _numbered(number: int) -> Iterator[None]:
    """Prefixes log lines with a job's number."""
    before = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        record.msg = f"#{number} {record.msg}"
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)
