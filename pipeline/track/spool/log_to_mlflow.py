"""Sends a run from its journal to the store. Each step can be repeated without effect."""

from __future__ import annotations

import functools
import gc
import itertools
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from alembic.util.exc import CommandError
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    RunTag,
)
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import TrackingError
from pipeline.track import metric_names
from pipeline.track.conclusion import conclude
from pipeline.track.find_run import JOURNAL_TAG, run_of, with_journal
from pipeline.track.model_scores import scores_of_model
from pipeline.track.simultaneous import retried
from pipeline.track.spool.folders import MODEL, Entry, Spooled, root
from pipeline.track.spool.journal import digest
from pipeline.track.store import experiment_of, first_line, is_answer

log = logging.getLogger(__name__)

PARENT_TAG = "mlflow.parentRunId"
MAX_METRICS, MAX_PARAMS, MAX_TAGS = 800, 100, 99  # of a batch; MLflow's limits are 100 of the latter, 1 000 in all
NO_ANSWER = (
    requests.ConnectionError, requests.Timeout, requests.exceptions.RetryError, ConnectionError, TimeoutError,
    SQLAlchemyError, sqlite3.Error,
)  # fmt: skip
VALUES = ("metrics", "params", "tags")  # kinds of entries that are sent in batches
BARRIERS = ("again", "end", "leave", "conclude")  # kinds that later entries must not overtake
CLIENT_ERROR = re.compile(r"failed with error code (?!408|429)4\d\d ")  # in MLflow's message of a status without a code
BUSY = (408, 429)  # HTTP statuses of a server that may accept the same request later


class Transfer:
    """Sends one run to the store.

    Attributes:
        run_id: Id in the store; None before the run is made.
        is_stopped: Set by the owner to stop sending.
    """

    def __init__(
        self, folder: Spooled, alive: bool, is_tried: bool = True, moved: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Continues after what was already sent.

        Args:
            folder: Of the run.
            alive: Whether the run's process is alive, so that its metrics are signs of life.
            is_tried: Whether an earlier attempt may have made the run, and its answer was lost.
            moved: Called with what `Spooled.sent` returns, whenever the store has accepted something.
        """
        self.folder, self._alive = folder, alive
        self._header = folder.header
        self._sent = folder.sent
        self._is_tried, self._moved = is_tried, moved
        self._is_tried_again = False
        self._values_end = 0  # end of the values in the journal that were sent before an artifact failed
        self.is_stopped = False

    @functools.cached_property
    def _client(self) -> MlflowClient:
        """Made in the sending thread: the client of a database checks its tables."""
        return MlflowClient(self._header["uri"])

    @property
    def is_complete(self) -> bool:
        """Whether the store has received the whole run."""
        return bool(self._sent["is_complete"])

    @property
    def run_id(self) -> str | None:
        """Id in the store; None before the run is made."""
        found: str | None = self._sent["run_id"]
        return found

    def send(self) -> None:
        """Sends all current entries of the journal.

        Raises:
            Exception: The store does not answer, or refuses the run itself; see `is_refused`.
        """
        if self.run_id is None:
            self._make_run()
        for group in _groups(self.folder.entries(self._sent["offset"])):
            if self.is_stopped:
                return
            self._send_values([entry for entry, end in group if entry["kind"] in VALUES and end > self._values_end])
            self._values_end = group[-1][1]
            self._send_others([(entry, end) for entry, end in group if entry["kind"] not in VALUES])

    def _has_moved(self, **sent: Any) -> None:
        self._sent |= sent
        self.folder.keep_sent(self._sent)
        if self._moved is not None:
            self._moved(self._sent)

    def _make_run(self) -> None:
        """Makes the run, unless an earlier attempt made it and its answer was lost."""
        header, client = self._header, self._client
        if "run_id" in header:  # it was made before
            self._is_made(self._known(header["run_id"]))
            return
        parent = None if header["parent"] is None else self._known(header["parent"])
        if parent is not None:  # another process that resumes the run uses this id
            self._sent["parent"] = parent.info.run_id
        named = header["experiment"], header["uri"]
        where = experiment_of(client, *named) if parent is None else parent.info.experiment_id
        self._is_tried_again = self._is_tried
        found = with_journal(client, [where], self.folder.id) if self._is_tried else []
        if not found:
            self._is_tried = True
            above = {} if parent is None else {PARENT_TAG: parent.info.run_id}
            tags = header["tags"] | above | {JOURNAL_TAG: self.folder.id}
            found = [client.create_run(where, header["start"], tags, header["name"])]
        self._is_made(found[0])

    def _known(self, run_id: str) -> MlflowRun:
        """Returns an existing run."""
        try:
            return run_of(self._client, run_id)
        except MlflowException as error:
            if is_refused(error) and (root() / run_id).exists():
                raise LookupError(f"run {run_id} is not in the store yet") from None
            raise

    def _is_made(self, run: MlflowRun) -> None:
        info = run.info
        # What another process has sent of a resumed run is not sent again: the times would differ.
        known = run.data._metric_objs if "run_id" in self._header else []
        logged = dict[str, int]()
        for name, step in ((metric_names.plain(metric.key), metric.step) for metric in known):
            logged[name] = max(step, logged.get(name, step))
        where = {"artifact_uri": info.artifact_uri, "experiment_id": info.experiment_id}
        self._has_moved(run_id=info.run_id, logged=logged, **where)

    def _unless_refused(self, send: Callable[[Entry], None], entry: Entry) -> None:
        """Sends an entry; logs an error if the store refuses it."""
        try:
            send(entry)
        except Exception as error:
            if not is_refused(error):
                raise
            log.error("run %s: the store refuses %s: %s", self.run_id, entry["kind"], first_line(error))

    def _send(self, entry: Entry) -> None:
        kinds: dict[str, Callable[..., None]] = {
            "run": lambda **_: None,
            "inputs": self._inputs,
            "artifact": self._artifact,
            "model": self._model,
            "again": self._again,
            "end": self._end,
            "leave": self._leave,
            "conclude": self._conclude,
        }
        kinds[entry["kind"]](**{name: value for name, value in entry.items() if name != "kind"})

    def _send_others(self, entries: list[tuple[Entry, int]]) -> None:
        """Sends artifacts and the like, each with its end in the journal, after the values of their group."""
        for entry, end in entries:
            if self.is_stopped:
                return
            self._unless_refused(self._send, entry)
            self._has_moved(offset=end)
        self._has_moved(offset=self._values_end)

    def _send_values(self, entries: list[Entry]) -> None:
        """Sends metrics, params and tags with as few calls as possible; if one is refused, each entry by itself."""
        try:
            self._log_batches(entries)
        except Exception as error:
            if not is_refused(error):
                raise
            for entry in entries:
                self._unless_refused(lambda entry: self._log_batches([entry]), entry)

    def _log_batches(self, entries: Sequence[Entry]) -> None:
        logged = self._sent["logged"]
        new = (value for entry in entries for value in entry.get("values", []) if value[3] > logged.get(value[0], -1))
        metrics = [Metric(metric_names.stored(name), *value) for name, *value in new]
        params = {name: value for entry in entries for name, value in entry.get("params", {}).items()}
        tags = {name: value for entry in entries for name, value in entry.get("tags", {}).items()}
        alive = [RunTag("alive_at", f"{time.time():.0f}")] if self._alive else []  # sign of life for other machines
        parts: Iterator[tuple[list[Any], ...]] = itertools.zip_longest(
            _parts(metrics, MAX_METRICS),
            _parts([Param(*param) for param in params.items()], MAX_PARAMS),
            _parts([RunTag(*tag) for tag in tags.items()], MAX_TAGS),
            fillvalue=[],
        )
        with _no_collection():
            for of_metrics, of_params, of_tags in parts:
                self._client.log_batch(self._id, of_metrics, of_params, [*of_tags, *(alive if of_metrics else [])])

    def _inputs(self, inputs: list[list[Any]]) -> None:
        described = [
            DatasetInput(Dataset(**dataset), [InputTag("mlflow.data.context", part)]) for part, dataset in inputs
        ]
        retried(lambda: self._client.log_inputs(self._id, described))

    def _artifact(self, path: str, digest: str) -> None:
        place = self.folder.artifacts / path
        _check(place, digest)
        if place.is_dir():
            self._client.log_artifacts(self._id, str(place), path)
        else:
            above = Path(path).parent.as_posix()
            self._client.log_artifact(self._id, str(place), None if above == "." else above)

    def _model(self, digest: str) -> None:
        """Logs the MLflow model; reuses a model that an earlier attempt has made."""
        run, place = self._client.get_run(self._id), self.folder.path / MODEL
        _check(place, digest)
        where = run.info.experiment_id
        known = self._client.search_logged_models([where], f"source_run_id = '{self._id}'")
        logged = known[0] if known else None
        if logged is None:
            params = run.data.params
            logged = self._client.create_logged_model(where, "model", self._id, params=params)
        outputs = run.outputs.model_outputs if run.outputs else []
        if logged.model_id not in {output.model_id for output in outputs}:
            self._client.log_outputs(self._id, [LoggedModelOutput(logged.model_id, step=0)])
        self._client.log_model_artifacts(logged.model_id, str(place))
        self._client.log_model_artifacts(logged.model_id, str(self._described(place / "MLmodel", logged)))
        if scores := scores_of_model(run, logged.model_id):
            self._client.log_batch(self._id, metrics=scores)
        self._client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)

    def _again(self) -> None:
        """Sets a resumed run to RUNNING."""
        self._client.update_run(self._id, "RUNNING")
        if "error" in self._client.get_run(self._id).data.tags:
            self._client.delete_tag(self._id, "error")
        self._has_moved(is_complete=False)

    def _end(self, status: str, at: int) -> None:
        self._client.set_terminated(self._id, status, at)
        if self._is_tried_again:  # a slow store may have made a second run after the search for the first
            for ghost in with_journal(self._client, [self._sent["experiment_id"]], self.folder.id):
                if ghost.info.run_id != self._id:
                    self._client.delete_run(ghost.info.run_id)
        self._has_moved(is_complete=True)

    def _leave(self) -> None:
        """Ends the journal without ending the run."""
        self._has_moved(is_complete=True)

    def _conclude(self, owner: str, status: str) -> None:
        conclude(self._id, owner, status)
        self._has_moved(is_complete=True)

    def _described(self, file: Path, logged: LoggedModel) -> Path:
        """Writes the MLmodel with the ids and address from the store; returns its folder."""
        about = Model.load(str(file))
        about.artifact_path, about.model_uuid, about.run_id = logged.artifact_location, logged.model_id, self._id
        folder = self.folder.path / "described"
        folder.mkdir(exist_ok=True)
        about.save(str(folder / file.name))
        return folder

    @property
    def _id(self) -> str:
        assert self.run_id is not None
        return self.run_id


class DamagedArtifact(Exception):  # noqa: N818 - a state of a file
    """An artifact in the spool differs from what the run wrote."""


def is_refused(error: Exception) -> bool:
    """Whether the store answers and refuses, so that repeating is useless."""
    if is_answer(error):
        return True
    refusals = (DamagedArtifact, TrackingError, ImportError, CommandError)
    return isinstance(error, refusals) or "file is not a database" in str(error)


def is_away(error: Exception) -> bool:
    """Whether the store does not answer, so that no other run can be sent either."""
    if is_refused(error):
        return False
    if isinstance(error, requests.HTTPError) and error.response is not None:  # of an artifact
        status = int(error.response.status_code)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in BUSY
    if isinstance(error, MlflowException):
        return CLIENT_ERROR.search(str(error)) is None
    return isinstance(error, NO_ANSWER)


def _parts(values: list[Any], size: int) -> Iterator[list[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _groups(entries: Iterable[tuple[Entry, int]]) -> Iterator[list[tuple[Entry, int]]]:
    """Yields entries, each with its end in the journal, in groups of which the values can be sent first.

    A group ends with a barrier, or before its metrics would be more than a batch.
    """
    group: list[tuple[Entry, int]] = []
    n_values = 0
    for entry, end in entries:
        n_new = len(entry.get("values", []))
        if group and n_values + n_new > MAX_METRICS:
            yield group
            group, n_values = [], 0
        group.append((entry, end))
        n_values += n_new
        if entry["kind"] in BARRIERS:
            yield group
            group, n_values = [], 0
    if group:
        yield group


def _check(place: Path, expected: str) -> None:
    """Raises DamagedArtifact if a file differs from what was written."""
    if not place.exists() or digest(place) != expected:
        raise DamagedArtifact(f"{place} differs from what the run wrote")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Disables garbage collection, which would take a third of the time for MLflow's objects."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
