"""What a sweep adds to its jobs: a parent run, names for the children, and errors that are told when they happen."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode

from pipeline.config import Command, Config
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.train import Result

log = logging.getLogger(__name__)


@contextlib.contextmanager
def parent(command: Command) -> Iterator[None]:
    """Opens the parent run of a sweep, and shows its children, best first, when the last job has ended."""
    if not command.is_sweep:
        yield
        return
    from pipeline import compare, show, track  # MLflow takes seconds to import

    with contextlib.ExitStack() as at_the_end, track.sweep(command.config, command.overrides) as opened:
        at_the_end.callback(lambda: compare.report_sweep(opened.run_id, command.config.tracking))
        at_the_end.callback(show.sweep, opened)
        yield


def named(config: Config) -> Config:
    """In a sweep, names a run that has no name of its own by what distinguishes it from the others."""
    hydra = HydraConfig.get()
    if not _in_sweep() or config.tracking.run_name is not None:
        return config
    name = " ".join(hydra.overrides.task)[:250] or None  # MLflow's limit of a name
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"run_name": name})})


def show_result(result: Result) -> None:
    """A job's tables, or in a sweep, which ends with a table of its own, a line."""
    from pipeline import show

    if _in_sweep():
        log.info("objective %.5g, SavedModel %s", result.objective, result.model_path)
    else:
        show.result(result)


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
    """Tells of a job's error at once, for Hydra tells of a sweep's first failed job only, and only at the end.

    Hydra prints its compact exceptions without a traceback: that is for a user's mistakes in a sweep, which a
    SystemExit would end without a word. A single job ends with the message alone.
    """
    try:
        yield
    except PipelineError as error:
        if not _in_sweep():
            sys.exit(str(error))
        log.error("job %s failed: %s", HydraConfig.get().job.num, error)
        raise CompactHydraException(str(error)) from None
    except Exception:
        if _in_sweep():
            log.exception("job %s failed", HydraConfig.get().job.num)
        raise


def _in_sweep() -> bool:
    return HydraConfig.get().mode == RunMode.MULTIRUN
