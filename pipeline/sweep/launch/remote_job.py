"""A job of a sweep, as it is sent to another process, and its result, as it is sent back."""

from __future__ import annotations

import functools
import logging
import os
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
from hydra import version
from hydra.core.utils import JobReturn, JobRuntime, JobStatus, run_job, setup_globals
from hydra.errors import CompactHydraException
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from pipeline.sweep.progress import NOT_RUN

JOB_VARIABLE = "PIPELINE_JOB"  # name of the job, by which track/ finds its run if the process dies
LogLine = Callable[[int, str], None]  # takes a logging level and a line


class JobError(CompactHydraException):
    """A job ended without a result; Hydra prints this kind of error without a traceback."""


@dataclass(frozen=True)
class LaunchedSweep:
    """What all jobs of a sweep have in common."""

    hydra_context: HydraContext
    task_function: TaskFunction
    config: DictConfig
    name: str  # Hydra's name of the program

    @classmethod
    def of(cls, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> LaunchedSweep:
        """Makes a LaunchedSweep of the arguments of a launcher's `setup`.

        Args:
            hydra_context: Hydra's config loader and callbacks.
            task_function: Runs a job with its config.
            config: Of the sweep.
        """
        return cls(hydra_context, task_function, config, JobRuntime.instance().get("name"))

    def job(self, number: int, overrides: Sequence[str]) -> Job:
        """Composes the config of one job.

        Args:
            number: Of the job.
            overrides: Of the job.
        """
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
            # Resolved here: its timestamp, and so the folder, would differ in another process.
            config.hydra.sweep.dir = str(config.hydra.sweep.dir)
        name = f"{platform.node()}:{os.getpid()}:{number}:{uuid.uuid4().hex[:8]}"
        environment = os.environ | {JOB_VARIABLE: name}
        return Job(number, list(overrides), config, environment, name, Path.cwd())

    def difference(self, job: Job) -> str:
        """Returns, in a line, the overrides that distinguish a job from others of the sweep."""
        common = {str(override) for override in self.config.hydra.overrides.task}
        own = [word.replace("\\", "") for word in job.overrides if not word.lstrip("+").startswith("hydra.")]
        return " ".join(word for word in own if word not in common)


@dataclass(frozen=True)
class Job:
    """One job of a sweep."""

    number: int
    overrides: list[str]
    config: DictConfig
    environment: Mapping[str, str]  # of the process that leads the sweep, when it made the job
    name: str  # unique among the jobs of all sweeps
    directory: Path  # where the sweep was started; relative paths in the config start here

    @property
    def folder(self) -> Path:
        """Hydra's output folder of the job."""
        return Path(self.config.hydra.sweep.dir, str(self.config.hydra.sweep.subdir)).absolute()

    @property
    def output(self) -> Path:
        """The file for what a worker prints during the job."""
        return self.folder / "output.log"

    def failed(self, message: str) -> JobReturn:
        """Returns the result of a job whose process has died."""
        ret = JobReturn(overrides=self.overrides, working_dir=str(Path.cwd()))
        ret.status, ret.return_value = JobStatus.FAILED, JobError(message)
        return ret


def run(sweep: LaunchedSweep, job: Job, tell: LogLine) -> bytes:
    """Runs a job in a worker as Hydra does; returns its result as bytes.

    Args:
        sweep: What all jobs have in common.
        job: The job.
        tell: Gets warnings and errors as they are logged.
    """
    version.setbase("1.3")  # as `hydra.main` does in the process that leads the sweep
    setup_globals()
    JobRuntime.instance().set("name", sweep.name)
    return packed(run_here(sweep, job, _telling(sweep.task_function, tell)))


def run_here(sweep: LaunchedSweep, job: Job, task: TaskFunction) -> JobReturn:
    """Runs a job in this process as Hydra does.

    Args:
        sweep: What all jobs have in common.
        job: The job.
        task: Runs the job with its config.
    """
    return run_job(
        hydra_context=sweep.hydra_context,
        task_function=task,
        config=job.config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def packed(ret: JobReturn) -> bytes:
    """Pickles a JobReturn; an error that cannot be pickled is replaced by a JobError with the same message."""
    try:
        data = cloudpickle.dumps(ret)
        cloudpickle.loads(data)  # many errors can be pickled but not unpickled, because of their constructors
        return data
    except Exception as error:
        value = ret._return_value
        problem = f"returned a value that cannot be sent to another process ({error})"
        if ret.status == JobStatus.FAILED:
            problem = f"{type(value).__name__}: {value}"
        ret.status, ret.return_value = JobStatus.FAILED, JobError(problem)
        return cloudpickle.dumps(ret)


def unpacked(data: bytes) -> JobReturn:
    """Reads a JobReturn from the bytes of `packed`."""
    ret = cloudpickle.loads(data)
    assert isinstance(ret, JobReturn)
    return ret


def _telling(task: TaskFunction, tell: LogLine) -> TaskFunction:
    """Wraps a task to add a log handler inside it: Hydra resets logging before it calls the task."""

    @functools.wraps(task)
    def with_log_handler(config: Any) -> Any:
        handler = _Teller(tell)
        logging.getLogger().addHandler(handler)
        try:
            return task(config)
        finally:
            logging.getLogger().removeHandler(handler)

    return with_log_handler


class _Teller(logging.Handler):
    """Passes warnings and errors to a function, and, as information, why the job was not run."""

    def __init__(self, tell: LogLine) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Passes on one log record."""
        if record.levelno >= logging.WARNING:
            self._tell(record.levelno, self.format(record))
        elif hasattr(record, NOT_RUN):
            self._tell(logging.INFO, getattr(record, NOT_RUN))
