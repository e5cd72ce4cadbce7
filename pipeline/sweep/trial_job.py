"""One job of a sweep: runs a trial, and logs its errors as they happen."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from pipeline import config as configuration
from pipeline.config import Config
from pipeline.errors import PipelineError, Pruned, SweepError
from pipeline.sweep import ended_trials
from pipeline.sweep.current_sweep import OF_THE_ROWS, is_open_here, open_here
from pipeline.sweep.identity import NO_PART
from pipeline.sweep.progress import NOT_RUN
from pipeline.sweep.search.outcome import Outcome
from pipeline.sweep.trial import Finished, SweepTrial, TrialTaken
from pipeline.train import Result, run

log = logging.getLogger(__name__)

# Error messages of a store that cannot be written any more; they end the sweep, because every trial would fail.
STORE_IS_GONE = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "readonly database",
    "Connection refused",
    "Max retries exceeded",
    "API request to",
)


class SweepAborted(BaseException):
    """The sweep cannot continue. A BaseException: after an Exception Hydra runs the remaining jobs."""


Story = Callable[[Config, SweepTrial], Generator[Any, Any, Result]]  # runs a trial; yields to the caller of `attempt`


def job(composed: DictConfig) -> float | Outcome:
    """Runs one trial; returns its objective, or for a search its Outcome.

    Errors are raised as Hydra's compact exceptions, which it prints without a traceback. Hydra reports only the first
    failed job of a sweep, so each failure is logged here.
    """
    settings = HydraConfig.get()
    steps = attempt(settings.job.num, settings.overrides.task, lambda: configuration.from_hydra(composed), _alone)
    try:
        next(steps)
    except StopIteration as end:
        outcome: float | Outcome = end.value
        return outcome
    raise AssertionError("a run on its own does not wait for others")


def _alone(config: Config, trial: SweepTrial) -> Generator[Any, Any, Result]:
    yield from ()
    return run(config, trial)


def attempt(
    number: int, words: Sequence[str], compose: Callable[[], Config], story: Story
) -> Generator[Any, Any, float | Outcome]:
    """Runs a trial, and logs and records how it ended.

    Args:
        number: Number of the job.
        words: Overrides of the job.
        compose: Returns the config of the job.
        story: Runs the trial; what it yields is passed on.

    Returns:
        The objective, or for a search the Outcome.

    Raises:
        SweepAborted: The store cannot be written any more.
        CompactHydraException: The trial failed with an error of this package.
    """
    words = [word.lstrip("+") for word in words]
    own = [word for word in words if not word.startswith(NO_PART)]
    with contextlib.ExitStack() as resources:
        trial = SweepTrial(_parent(), own, resources)
        config = None
        try:
            config = _named(compose(), trial.name)
            trial.may_begin(config)
            result = yield from story(config, trial)
        except Finished as finished:
            assert config is not None
            _tell(trial, f"skipped: finished as run {finished.done.run_id}", was_run=False)
            return _outcome(trial, config, finished.done.metrics, finished.done.pruned)
        except TrialTaken:
            _tell(trial, "skipped: another process runs it", was_run=False)
            return math.nan
        except Pruned as pruned:
            _tell(trial, f"pruned {pruned}")
            return Outcome(None, pruned=True)
        except Exception as error:
            if store_is_gone(error):
                _stop(error)
            if config is not None and not hasattr(error, "run_id") and not isinstance(error, SweepError):
                _keep_failure(config, trial.tags, error)
            if isinstance(error, PipelineError):
                log.error("job %s failed: %s", number, error)
                _tell(trial, "failed")
                raise CompactHydraException(str(error)) from None
            log.exception("job %s failed", number)
            _tell(trial, "failed")
            raise
        _tell(trial, f"objective {result.objective:.5g}, {sum(result.seconds.values()):.1f} s")
        return _outcome(trial, config, result.measured, pruned=False)


def _tell(trial: SweepTrial, outcome: str, *, was_run: bool = True) -> None:
    """Logs the line of a finished trial; in a worker, the process that leads the sweep prints it."""
    if is_open_here():
        log.info(open_here().progress.ended(trial.name, outcome, was_run=was_run))
        logging.getLogger(OF_THE_ROWS).setLevel(logging.WARNING)
    else:
        ended_trials.report(trial.name, outcome, was_run)
        log.info("%s: %s", trial.name, outcome, extra={} if was_run else {NOT_RUN: outcome})


def store_is_gone(error: BaseException | None) -> bool:
    """Whether an error, or one of its causes, means that the store cannot be written any more."""
    while error is not None:
        if any(text in str(error) for text in STORE_IS_GONE):
            return True
        error = error.__cause__ or error.__context__
    return False


def _stop(error: Exception) -> None:
    """Ends the sweep by SweepAborted; in a worker by an ordinary error, which is sent to the leading process."""
    first = str(error).strip().partition("\n")[0]
    text = f"runs cannot be stored any more: {first}\nFinished trials are kept; repeat the command to resume"
    if is_open_here():
        raise SweepAborted(text) from None
    log.error(text)
    raise CompactHydraException(text) from None


def _outcome(trial: SweepTrial, config: Config, metrics: Mapping[str, float], pruned: bool) -> float | Outcome:
    if not trial.is_searched:
        return metrics.get("objective", math.nan)
    names = config.search.objectives or ["objective"]
    return Outcome(None if pruned else [metrics[name] for name in names], pruned)


def _named(config: Config, distinction: str) -> Config:
    """Names a run without `tracking.run_name` by the overrides that distinguish its trial."""
    if config.tracking.run_name is not None:
        return config
    name = distinction[:250] or None  # MLflow's limit for names
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"run_name": name})})


def _keep_failure(config: Config, tags: Mapping[str, str], error: Exception) -> None:
    """Logs a run for a job that failed before it opened one."""
    from pipeline import track

    try:
        track.log_failure(config, tags, error)
    except Exception as second:  # it must not hide the first
        log.error("the failed job could not be logged to the store: %s", second)


def _parent() -> str:
    from pipeline import track

    parent = track.parent_run_id()
    assert parent is not None, "a sweep has a parent run"
    return parent
