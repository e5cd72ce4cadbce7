"""Opens runs, and closes them as FINISHED, FAILED or KILLED."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config import Config
from pipeline.data import Dataset
from pipeline.errors import Pruned, TrackingError
from pipeline.runtime import signals
from pipeline.runtime.signals import held
from pipeline.track.address import store_uri
from pipeline.track.header import environment, run_header
from pipeline.track.inherited import job_tag, parent_run_id
from pipeline.track.run import Run
from pipeline.track.spool.folders import made, taken_over
from pipeline.track.spool.journal import full_disk_as_error
from pipeline.track.worker.client import reach, worker

log = logging.getLogger(__name__)

AWAY_SECONDS = 20.0  # to wait for an unresponsive store after the run
TRIAL_SECONDS = 2.0  # the same for a trial: its sweep waits again at the end
KILLED_SECONDS = 3.0  # the same after a signal, whose sender does not wait long


@contextlib.contextmanager
def start(
    config: Config,
    dataset: Dataset,
    about: Mapping[str, Any],
    *,
    resumes: str | None = None,
    is_known: bool = True,
    new_id: str | None = None,
) -> Iterator[Run]:
    """Opens a run and logs what is known before training: config, data, environment.

    Args:
        config: The experiment.
        dataset: The rows.
        about: More tags, such as the device.
        resumes: Id of the run to resume, which a dead process has left.
        is_known: Whether that run has logged everything known before training, and so was certainly opened.
        new_id: Provisional id of a new run, for its folder in the spool and a tag; None draws one.

    Raises:
        TrackingError: The store cannot be used.
    """
    uri = store_uri(config.tracking)
    with signals.signals_raise(), contextlib.ExitStack() as closed:
        reach(uri)
        with held():
            header = run_header(config, uri, environment() | job_tag() | dict(about))
            run = None if resumes is None else _resumed(header, resumes, is_known)
            is_new = run is None
            run = run or _begun(header, new_id)
            closed.enter_context(_ends(run))
            if is_new or not is_known:
                run.log_known(config, dataset)
            if parent_run_id() is None and run.is_in_store:  # a sweep does it itself
                run.close_dead()
            log.info("run %s (%s) in experiment %s", run.id, run.name, config.tracking.experiment)
        yield run


def _begun(header: dict[str, Any], new_id: str | None) -> Run:
    """Opens a new run, with that provisional id if given."""
    with full_disk_as_error():
        return Run(header, made(header, new_id))


def _resumed(header: dict[str, Any], run_id: str, is_known: bool) -> Run | None:
    """Reopens the run of a dead process, with its own journal or, if the store has received all of it, with a new one.

    A store that does not answer is assumed to have the run, if it was certainly opened.

    Returns:
        The run; None if it does not exist any more.
    """
    again = taken_over(run_id, header["parent"])
    if again is None:
        asked = worker().ask("is_there", header=header, run_id=run_id, is_known=is_known)
        if not asked.result():
            return None
    run = Run(again[0].header if again else header | {"run_id": run_id}, again)
    run.resume()
    return run


@contextlib.contextmanager
def _ends(run: Run) -> Iterator[None]:
    """Closes the run with its final status, and an error as a tag; no run is left RUNNING."""
    status, seconds = "FAILED", AWAY_SECONDS if parent_run_id() is None else TRIAL_SECONDS
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt as interrupt:
        signals.leave()
        status, seconds = "KILLED", KILLED_SECONDS
        run.tag({"error": signals.word(interrupt)})
        raise
    except Pruned as error:
        status = "KILLED"  # by the sweep; FINISHED runs have scores and a model
        run.tag({"pruned": "true", "pruned_because": str(error)})
        raise
    except BaseException as error:
        with contextlib.suppress(Exception):
            run.log_error(error)
        error.run_id = run.id  # type: ignore[attr-defined]  # marks the error as logged
        raise
    finally:
        with contextlib.suppress(TrackingError) if status != "FINISHED" else contextlib.nullcontext():
            run.close(status, seconds)  # its own error must not hide the first one


@held()
def log_failure(config: Config, tags: Mapping[str, str], error: BaseException) -> None:
    """Logs a FAILED run for a job that ended before its own run was opened.

    Args:
        config: Of the job.
        tags: Of the run.
        error: Why the job failed.
    """
    uri = store_uri(config.tracking)
    reach(uri)
    run = Run(run_header(config, uri, environment() | dict(tags)))
    run.log_known(config)
    run.log_error(error)
    run.close("FAILED", TRIAL_SECONDS)
