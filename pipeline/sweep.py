"""What a sweep adds to its jobs: a parent run, names for the children, and errors that are told when they happen."""

import contextlib
import logging
from collections.abc import Iterator

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode

from pipeline.config import Command, Config
from pipeline.errors import PipelineError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def parent(command: Command) -> Iterator[None]:
    """Opens the parent run of a sweep, and shows its children, best first, when the last job has ended."""
    if not command.is_sweep:
        yield
        return
    from pipeline import show, track  # MLflow takes seconds to import

    try:
        with track.sweep(command.config, command.overrides) as children:
            yield
    finally:
        show.sweep(children, command.config.objective)


def named(config: Config) -> Config:
    """In a sweep, names a run that has no name of its own by what distinguishes it from the others."""
    hydra = HydraConfig.get()
    if not _in_sweep() or config.tracking.run_name is not None:
        return config
    name = " ".join(hydra.overrides.task)[:250] or None  # MLflow's limit of a name
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"run_name": name})})


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
    """Tells of a job's error at once, for Hydra tells of a sweep's first failed job only, and only at the end.

    Hydra prints its compact exceptions without a traceback: that is for a user's mistakes. It must never be a
    SystemExit, which would end the sweep without a word.
    """
    try:
        yield
    except PipelineError as error:
        if _in_sweep():
            log.error("job %s failed: %s", HydraConfig.get().job.num, error)
        raise CompactHydraException(str(error)) from None
    except Exception:
        if _in_sweep():
            log.exception("job %s failed", HydraConfig.get().job.num)
        raise


def _in_sweep() -> bool:
    return HydraConfig.get().mode == RunMode.MULTIRUN
