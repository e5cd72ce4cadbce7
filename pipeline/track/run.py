"""A tracked run, from its journal on."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import Config, to_yaml
from pipeline.data import Dataset, RowHashes, Rows, row_hashes
from pipeline.data.checks import Report, report_page
from pipeline.errors import TrackingError
from pipeline.runtime import process
from pipeline.runtime.program import program
from pipeline.runtime.signals import held
from pipeline.track import datasets
from pipeline.track.address import local_path
from pipeline.track.epoch_journal import Epochs
from pipeline.track.inherited import job_tag
from pipeline.track.model_rows import described
from pipeline.track.pages import MAX_NOTE_LENGTH, NOTE
from pipeline.track.params import params_of
from pipeline.track.spool.folders import FIGURES, MODEL, Spooled
from pipeline.track.spool.journal import Journal, full_disk_as_error
from pipeline.track.worker.client import worker
from pipeline.track.worker.retried_request import RetriedRequest
from pipeline.track.worker.sender import Sender

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

MODEL_SECONDS = 5.0  # to wait for an MLflow model, which takes 0.3 s
START_SECONDS = 5.0  # to wait for the store to make the run
SAVED_MODEL, PICTURES = "saved_model", "pictures"


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
        self._making: RetriedRequest | None = None  # the MLflow model
        self._drawing: RetriedRequest | None = None  # the pictures
        self._closing: Future[None] | None = None  # other runs
        self._journal = Journal(header, again)
        self._epochs = Epochs(self._journal)
        self._sender = self._started_sender()
        if self._sender.refusal is not None:
            self._journal.close()
            if not self._journal.has_entries:  # otherwise a dead process has left them, which are kept
                self._journal.folder.remove()
            self._sender.stop()
            raise self._sender.refusal

    @property
    def id(self) -> str:
        """Id in the store; until the run is there, the provisional id, which stays valid."""
        return self._sender.run_id or self._journal.folder.id

    @property
    def is_in_store(self) -> bool:
        """Whether the store has made the run."""
        return self._sender.run_id is not None

    @contextlib.contextmanager
    def writing_model(self, rows: Rows) -> Iterator[Path]:
        """Yields the folder to write the SavedModel to, before `log_saved_model`; then starts to make the MLflow model.

        Args:
            rows: Training data.

        Raises:
            TrackingError: The disk is full.
        """
        folder, made = self._journal.artifact(SAVED_MODEL), self._journal.folder.path / MODEL
        for path in (folder, made):  # left by a killed process
            shutil.rmtree(path, ignore_errors=True)
        with full_disk_as_error():
            yield folder
        self._making = RetriedRequest("write_model", path=str(made), folder=str(folder), rows=described(rows))

    @property
    def model_path(self) -> str | None:
        """Folder of the SavedModel, or its address in a remote store; None if no model was logged."""
        if not self._has_model:
            return None
        where = self._sender.artifact_uri
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
        self._sender.wake()

    def start_drawing(self, figures: Callable[[], Mapping[str, Figure]]) -> None:
        """Has the worker draw figures, which `log_pictures` logs.

        Args:
            figures: Returns them by name; it can be pickled.

        Raises:
            TrackingError: The disk is full.
        """
        request, folder = self._journal.folder.path / FIGURES, self._journal.artifact(PICTURES)
        with full_disk_as_error():
            folder.mkdir(exist_ok=True)
            request.write_bytes(pickle.dumps(figures, pickle.HIGHEST_PROTOCOL))
        self._drawing = RetriedRequest("draw", request=str(request), folder=str(folder))

    @held()
    def log_pictures(self, seconds: float | None = None) -> None:
        """Logs each figure of `start_drawing` as `pictures/<name>.png`.

        Args:
            seconds: How long to wait for them; None: without limit.

        Raises:
            TimeoutError: They are not ready.
            TrackingError: The disk is full, or the worker has ended.
        """
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            with full_disk_as_error():
                for name in drawing.result(seconds):
                    self._journal.add_artifact(f"{PICTURES}/{name}.png")
            (self._journal.folder.path / FIGURES).unlink()

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
    def log_saved_model(self) -> None:
        """Logs the SavedModel in the folder of `writing_model` as artifact and as MLflow model.

        Raises:
            TrackingError: The disk is full.
        """
        assert self._making is not None
        folder = self._journal.artifact(SAVED_MODEL)
        with full_disk_as_error():
            self._journal.add_artifact(SAVED_MODEL)
            for card in (folder / "assets.extra").glob("card.*"):  # at the top, where it is easy to find
                with self.artifact(card.name) as path:
                    shutil.copyfile(card, path)
            self._journal.append("model", digest=self._making.result())
        self._sender.wake()
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

    def send(self) -> None:
        """Has the worker send now what has been logged; otherwise it sends from time to time."""
        self._sender.wake()

    def close_dead(self) -> None:
        """Starts to close the runs of dead processes of this machine; `close` waits until that is done."""
        self._closing = worker().ask("close_dead", uri=self.uri)

    def resume(self) -> None:
        """Sets a resumed run to RUNNING, owned by this process."""
        self._journal.append("again")
        self.tag({"owner": process.name()} | job_tag())

    def tag(self, tags: Mapping[str, str]) -> None:
        """Sets tags of the run."""
        self._journal.append("tags", tags=dict(tags))

    def describe(self, text: str) -> None:
        """Sets the description of the run's page, in Markdown."""
        self.tag({NOTE: text[:MAX_NOTE_LENGTH]})

    def log_error(self, error: BaseException) -> None:
        """Logs an error as a tag, and its traceback as an artifact."""
        self.tag({"error": f"{type(error).__name__}: {error}"[:5000]})
        self._log_text("traceback.txt", "".join(traceback.format_exception(error)))

    @held()
    def close(self, status: str, seconds: float) -> None:
        """Ends the run, and waits until the store has received all of it.

        Args:
            status: FINISHED, FAILED or KILLED.
            seconds: How long to wait for an unresponsive store before the run is left to `sync`.

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
        if self._making is not None:
            self._making.wait(MODEL_SECONDS)  # it must not write into a folder that is removed
        with contextlib.suppress(Exception):  # the export has failed, and its error is the one that counts
            self.log_pictures(MODEL_SECONDS)
        self._journal.append(kind, **content)
        try:
            self._journal.close()
        except TrackingError as error:
            self._sender.abandon(str(error))
            self._journal.folder.remove()
            raise
        if self._sender.finish(seconds):
            self._wait_for_closing(seconds)
            return
        where = self._journal.folder.path
        if self._sender.refusal is not None:
            why = f"the store refuses it ({self._sender.refusal}); when this is mended,"
            self.unsent = f"{why} `{program()} sync` sends it from {where}"
        else:
            why = f" {self._sender.away}" if self._sender.away else ""
            self.unsent = f"the store has not received all of it{why}; `{program()} sync` sends the rest from {where}"
        log.warning("run %s: %s", self.id, self.unsent)

    def _wait_for_closing(self, seconds: float) -> None:
        """Waits for `close_dead`; the next run closes what is left."""
        if self._closing is not None:
            with contextlib.suppress(TimeoutError):
                self._closing.exception(seconds)

    def _started_sender(self) -> Sender:
        """Returns the sender of its journal.

        Raises:
            TrackingError: The worker has ended; nothing is left of the run.
        """
        try:
            return Sender(self._journal, START_SECONDS)
        except TrackingError:
            self._journal.close()
            self._journal.folder.remove()
            self._journal.release()
            raise

    def _log_text(self, name: str, text: str) -> None:
        with self.artifact(name) as path:
            path.write_text(text, encoding="utf-8")


def _json(values: Mapping[str, Any]) -> str:
    """Formats JSON as MLflow does."""
    return json.dumps(values, indent=2, default=str)
