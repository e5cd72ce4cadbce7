"""A tracked run: opened, logged to, and closed as FINISHED, FAILED or KILLED."""

import contextlib
import json
import logging
import shutil
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pipeline.config import Config, to_yaml
from pipeline.data import Dataset, RowHashes, Rows, row_hashes
from pipeline.data.checks import Report, report_page
from pipeline.errors import Pruned, TrackingError
from pipeline.runtime import process, signals
from pipeline.runtime.signals import held
from pipeline.track import datasets
from pipeline.track.children import parent_run_id
from pipeline.track.dead_runs import close_dead, job_tag
from pipeline.track.environment import environment
from pipeline.track.epoch_journal import Epochs
from pipeline.track.header import run_header
from pipeline.track.mlflow_model import write_model
from pipeline.track.pages import MAX_NOTE_LENGTH, NOTE
from pipeline.track.params import params_of
from pipeline.track.resumed_run import is_there
from pipeline.track.spool.folders import MODEL, Spooled, made, taken_over
from pipeline.track.spool.journal import Journal, digest, full_disk_as_error
from pipeline.track.spool.sender import Sender
from pipeline.track.store import STORE_ERRORS, as_tracking_error, connected, local_path

log = logging.getLogger(__name__)

START_SECONDS = 5.0  # to wait for the store to make the run
AWAY_SECONDS = 20.0  # to wait for an unresponsive store after the run
TRIAL_SECONDS = 2.0  # the same for a trial: its sweep waits again at the end
KILLED_SECONDS = 3.0  # the same after a signal, whose sender does not wait long
SAVED_MODEL = "saved_model"
SYNC = "`python -m pipeline sync`"


class Run:
    """An open run. Every method writes to its journal, which a thread sends to the store.

    Attributes:
        name: Display name.
        uri: Of the store.
        unsent: Message if the run has ended and the store has not received all of it; otherwise None.
    """

    def __init__(self, header: Mapping[str, Any], again: tuple[Spooled, int] | None = None) -> None:
        """Starts the journal, and tries to reach the store.

        Args:
            header: From `run_header`.
            again: Folder and lock of an existing journal; None makes a new one.

        Raises:
            TrackingError: The journal cannot be written, or the store refuses the run.
        """
        self.name, self.uri = str(header["name"]), str(header["uri"])
        self.unsent: str | None = None
        self._has_model = False
        self._journal = Journal(header, again)
        self._sender = Sender(self._journal.folder, self._journal.release)
        self._epochs = Epochs(self._journal)
        self._sender.wait_for_first(START_SECONDS)
        if self._sender.refusal is not None:
            self._journal.close()
            raise as_tracking_error(self.uri, self._sender.refusal) from None

    @property
    def id(self) -> str:
        """Id in the store; until the run is there, the provisional id, which stays valid."""
        return self._sender.transfer.run_id or self._journal.folder.id

    @property
    def is_in_store(self) -> bool:
        """Whether the store has made the run."""
        return self._sender.transfer.run_id is not None

    @contextlib.contextmanager
    def writing_model(self) -> Iterator[Path]:
        """Yields the folder to write the SavedModel to, before `log_saved_model`.

        Raises:
            TrackingError: The disk is full.
        """
        folder = self._journal.artifact(SAVED_MODEL)
        shutil.rmtree(folder, ignore_errors=True)  # left by a killed process
        with full_disk_as_error():
            yield folder

    @property
    def model_path(self) -> str | None:
        """Folder of the SavedModel, or its address in a remote store; None if no model was logged."""
        if not self._has_model:
            return None
        where = self._sender.transfer.artifact_uri
        if where is None or self.unsent is not None:
            return str(self._journal.folder.artifacts / SAVED_MODEL)
        return local_path(f"{where}/{SAVED_MODEL}")

    @contextlib.contextmanager
    def artifact(self, name: str) -> Iterator[Path]:
        """Yields the path to write an artifact to, a file or a folder, and then logs it."""
        with full_disk_as_error():
            yield self._journal.artifact(name)
            self._journal.add_artifact(name)

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Logs the values of an epoch.

        Args:
            epoch: Number of the epoch.
            values: By name.
        """
        self._epochs.log(epoch, values)

    @held()
    def log_final(self, values: Mapping[str, float]) -> None:
        """Logs the results: scores and measurements."""
        self._epochs.end()
        now = int(time.time() * 1000)
        self._journal.log([name, float(value), now, 0] for name, value in values.items())

    @held()
    def log_pictures(self, pictures: Mapping[str, Figure]) -> None:
        """Logs each figure as `pictures/<name>.png`."""
        for name, figure in pictures.items():
            with self.artifact(f"pictures/{name}.png") as path:
                figure.savefig(path)

    @held()
    def log_report(self, report: Report) -> None:
        """Logs the data report as `data/report.html` and `data/report.json`."""
        self._log_text("data/report.html", report_page.render(report))
        self._log_text("data/report.json", _json(report.as_dict()))

    @held()
    def log_inputs(self, norms: Mapping[str, float]) -> None:
        """Logs the importance of each input, the norm of its outgoing weights, as `inputs.json`."""
        self._log_text("inputs.json", _json(dict(norms)))

    @held()
    def log_training_rows(self, rows: RowHashes) -> None:
        """Logs hashes of the training rows, which `evaluate` searches for in other files."""
        with self.artifact(row_hashes.FILE) as path:
            rows.write(path)

    @held()
    def log_networks(self, table: str) -> None:
        """Logs the networks of an ensemble as `networks.csv`."""
        self._log_text("networks.csv", table)

    @held()
    def log_saved_model(self, rows: Rows) -> None:
        """Logs the SavedModel in the folder of `writing_model` as artifact and as MLflow model."""
        folder, made = self._journal.artifact(SAVED_MODEL), self._journal.folder.path / MODEL
        shutil.rmtree(made, ignore_errors=True)  # left by a killed process
        with full_disk_as_error():
            write_model(made, folder, rows)
            self._journal.add_artifact(SAVED_MODEL)
        for card in (folder / "assets.extra").glob("card.*"):  # at the top, where it is easy to find
            with self.artifact(card.name) as path:
                shutil.copyfile(card, path)
        self._journal.append("model", digest=digest(made))
        self._has_model = True

    def log_known(self, config: Config, dataset: Dataset | None = None) -> None:
        """Logs what is known before training.

        Args:
            config: The experiment.
            dataset: Its rows, if they could be read.
        """
        self._journal.append("params", params=params_of(config))
        self._log_text("config.yaml", to_yaml(config))
        if dataset is not None:
            self._journal.append("inputs", inputs=datasets.described(config, dataset))
            self.tag(datasets.tags(dataset))

    def go_on(self) -> None:
        """Sets a resumed run to RUNNING, owned by this process."""
        self._journal.append("again")
        self.tag({"owner": process.name()} | job_tag())

    def tag(self, tags: Mapping[str, str]) -> None:
        """Sets tags of the run."""
        self._journal.append("tags", tags=dict(tags))

    def describe(self, text: str) -> None:
        """Sets the description of the run's page, in Markdown."""
        self.tag({NOTE: text[:MAX_NOTE_LENGTH]})

    def tell(self, error: BaseException) -> None:
        """Logs an error as a tag, and its traceback as an artifact."""
        self.tag({"error": f"{type(error).__name__}: {error}"[:5000]})
        self._log_text("traceback.txt", "".join(traceback.format_exception(error)))

    @held()
    def close(self, status: str, seconds: float) -> None:
        """Ends the run, and waits until the store has received all of it.

        Args:
            status: FINISHED, FAILED or KILLED.
            seconds: How long to wait for an unresponsive store before the run is left to `python -m pipeline sync`.

        Raises:
            TrackingError: The journal cannot be written.
        """
        self._epochs.end()
        self._end("end", seconds, status=status, at=int(time.time() * 1000))

    @held()
    def leave(self, seconds: float) -> None:
        """Ends the additions to a finished run, whose status does not change.

        Args:
            seconds: As in `close`.

        Raises:
            TrackingError: The journal cannot be written.
        """
        self._end("leave", seconds)

    def _end(self, kind: str, seconds: float, **content: Any) -> None:
        self._journal.append(kind, **content)
        try:
            self._journal.close()
        except TrackingError as error:
            self._sender.abandon(str(error))
            self._journal.folder.remove()
            raise
        if self._sender.finish(seconds):
            return
        why = f" {self._sender.away}" if self._sender.away else ""
        rest = f"{SYNC} sends the rest from {self._journal.folder.path}"
        self.unsent = f"the store has not received all of it{why}; {rest}"
        log.warning("run %s: %s", self.id, self.unsent)

    def _log_text(self, name: str, text: str) -> None:
        with self.artifact(name) as path:
            path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def start(
    config: Config,
    dataset: Dataset,
    about: Mapping[str, Any],
    *,
    going_on: str | None = None,
    is_known: bool = True,
    new_id: str | None = None,
) -> Iterator[Run]:
    """Opens a run and logs what is known before training: config, data, environment.

    Args:
        config: The experiment.
        dataset: The rows.
        about: More tags, such as the device.
        going_on: Id of the run to resume, which a dead process has left.
        is_known: Whether that run has logged everything known before training, and so was certainly opened.
        new_id: Provisional id of a new run, for its folder in the spool and a tag; None draws one.

    Raises:
        TrackingError: The store cannot be used.
    """
    with signals.signals_raise(), connected(config.tracking) as uri, contextlib.ExitStack() as closed:
        with held():
            header = run_header(config, uri, environment() | job_tag() | dict(about))
            run = None if going_on is None else _gone_on_with(header, going_on, is_known)
            is_new = run is None
            run = run or _begun(header, new_id)
            closed.enter_context(_ends(run))
            if is_new or not is_known:
                run.log_known(config, dataset)
            if parent_run_id() is None and run.is_in_store:  # a sweep does it itself
                with contextlib.suppress(*STORE_ERRORS):
                    close_dead(uri)
            log.info("run %s (%s) in experiment %s", run.id, run.name, config.tracking.experiment)
        yield run


def _begun(header: dict[str, Any], new_id: str | None) -> Run:
    """Opens a new run, with that provisional id if given."""
    with full_disk_as_error():
        return Run(header, made(header, new_id))


def _gone_on_with(header: dict[str, Any], run_id: str, is_known: bool) -> Run | None:
    """Reopens the run of a dead process, with its own journal or, if the store has received all of it, with a new one.

    A store that does not answer is assumed to have the run, if it was certainly opened.

    Returns:
        The run; None if it does not exist any more.
    """
    again = taken_over(run_id, header["parent"])
    if again is None and not is_there(header, run_id, is_known):
        return None
    run = Run(again[0].header if again else header | {"run_id": run_id}, again)
    run.go_on()
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
            run.tell(error)
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
    with connected(config.tracking) as uri:
        run = Run(run_header(config, uri, environment() | dict(tags)))
        run.log_known(config)
        run.tell(error)
        run.close("FAILED", TRIAL_SECONDS)


def _json(values: Mapping[str, Any]) -> str:
    """Formats JSON as MLflow does."""
    return json.dumps(values, indent=2, default=str)
