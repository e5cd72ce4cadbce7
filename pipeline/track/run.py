"""One tracked run: opened, told everything, and closed as FINISHED, FAILED or KILLED."""

import contextlib
import functools
import hashlib
import json
import logging
import os
import platform
import random
import re
import subprocess
import time
import traceback
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from posixpath import normpath
from typing import Any

import mlflow
import psutil
from matplotlib.figure import Figure
from mlflow.entities import Metric, Param

from pipeline.config import CONF, IN_CHECKOUT, Config, to_yaml
from pipeline.data import Dataset, Rows
from pipeline.data.checks import Report, report_page
from pipeline.errors import Pruned
from pipeline.runtime import process, signals
from pipeline.runtime.signals import held
from pipeline.track.children import parent_run_id
from pipeline.track.datasets import log_data
from pipeline.track.epochs import Epochs
from pipeline.track.going_on import logged_by
from pipeline.track.left_running import job_tag
from pipeline.track.model import log_model
from pipeline.track.store import connected, experiment_id, local_path

log = logging.getLogger(__name__)

PACKAGES = ("dense-pipeline", "tensorflow", "keras", "mlflow-skinny", "hydra-core", "pandas", "numpy", "scikit-learn")

PLAIN = re.compile(r"[\w.\- :/]+")  # keys that MLflow takes as they are, if they are no longer than this
LONGEST_KEY = 250


class Run:
    """An open run. Every method writes to the store."""

    def __init__(self, run_id: str, artifact_uri: str, uri: str, logged: Mapping[str, int]) -> None:
        self.id = run_id
        self.uri = uri
        self._logged = logged
        self._artifact_uri = artifact_uri
        self._client = mlflow.MlflowClient()
        self.epochs = Epochs(run_id, logged)

    @held()
    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Writes an epoch's values, some time before the run ends."""
        self.epochs.log(epoch, values)

    @held()
    def log_final(self, values: Mapping[str, float]) -> None:
        """Writes what the run came to: scores and measurements."""
        self.epochs.flush()
        now = int(time.time() * 1000)
        new = {name: float(value) for name, value in values.items() if name not in self._logged}
        self._client.log_batch(self.id, metrics=[Metric(name, value, now, 0) for name, value in new.items()])

    @held()
    def log_pictures(self, pictures: Mapping[str, Figure]) -> None:
        """Writes each figure as `pictures/<name>.png`."""
        for name, figure in pictures.items():
            self._client.log_figure(self.id, figure, f"pictures/{name}.png")

    @held()
    def log_report(self, report: Report) -> None:
        """Writes the checks before training as `data/report.html` and `data/report.json`."""
        self._client.log_text(self.id, report_page.render(report), "data/report.html")
        self._client.log_dict(self.id, report.as_dict(), "data/report.json")

    @held()
    def log_inputs(self, norms: Mapping[str, float]) -> None:
        """Writes how much each input counts, the norm of the weights that leave it, as `inputs.json`."""
        self._client.log_dict(self.id, dict(norms), "inputs.json")

    @held()
    def log_saved_model(self, folder: Path, rows: Rows) -> str:
        """Writes an exported SavedModel as artifact and as MLflow model; gives its path in the store."""
        self._client.log_artifacts(self.id, str(folder), "saved_model")
        for card in (folder / "assets.extra").glob("card.*"):  # where a reader of the run looks for it
            self._client.log_artifact(self.id, str(card))
        log_model(self.id, folder, rows)
        return local_path(f"{self._artifact_uri}/saved_model")


@contextlib.contextmanager
def start(config: Config, dataset: Dataset, about: Mapping[str, Any], going_on: str | None = None) -> Iterator[Run]:
    """Opens a run and logs what is known before training: config, data, environment.

    Args:
        config: The experiment.
        dataset: The rows.
        about: More tags, such as the device.
        going_on: Id of the run that a dead process has left, and that this one goes on with.

    Raises:
        TrackingError: The store cannot be used.
    """
    with signals.signals_raise(), connected(config.tracking) as uri, contextlib.ExitStack() as closed:
        with held():
            parent = parent_run_id()
            # A sweep's runs lie in one experiment, else the UI does not nest them.
            where = mlflow.get_run(parent).info.experiment_id if parent else experiment_id(config.tracking, uri)
            known = config.tracking.tags | environment() | job_tag() | dict(about)
            tags = {name: str(value) for name, value in known.items()}
            logged = None if going_on is None else logged_by(going_on, where, parent)
            new = {"experiment_id": where, "run_name": config.tracking.run_name, "parent_run_id": parent}
            with _unseeded():
                active = mlflow.start_run(**new if logged is None else {"run_id": going_on}, nested=True, tags=tags)
            run = Run(active.info.run_id, active.info.artifact_uri, uri, logged or {})
            closed.enter_context(_ends(run))
            if logged is None:
                _log_config(run.id, config)
                log_data(run.id, config, dataset)
            log.info("run %s (%s) in experiment %s", run.id, active.info.run_name, config.tracking.experiment)
        yield run


@contextlib.contextmanager
def _unseeded() -> Iterator[None]:
    """Lets MLflow invent a name by chance: Python's generator, which it draws from, is seeded like everything else."""
    state = random.getstate()
    random.seed()
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def _ends(run: Run) -> Iterator[None]:
    """Closes the run as what it was, with the error's text as a tag; no run stays RUNNING."""
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt as interrupt:
        signals.leave()
        status = "KILLED"
        mlflow.set_tag("error", signals.word(interrupt))
        raise
    except Pruned as error:
        status = "KILLED"  # by the sweep; FINISHED is what has scores and a model
        mlflow.set_tags({"pruned": "true", "pruned_because": str(error)})
        raise
    except BaseException as error:
        with contextlib.suppress(Exception):
            mlflow.set_tag("error", _told(error))
            _log_traceback(run.id, error)
        error.run_id = run.id  # type: ignore[attr-defined]  # whoever catches it knows that it is told
        raise
    finally:
        with held():
            with contextlib.suppress(Exception) if status != "FINISHED" else contextlib.nullcontext():
                run.epochs.flush()  # an error on the way out must not hide the one that led here
            run.epochs.close()
            mlflow.end_run(status)


@held()
def log_failure(config: Config, tags: Mapping[str, str], error: BaseException) -> None:
    """A FAILED run for a job that ended before its own run was opened."""
    with connected(config.tracking) as uri:
        parent = parent_run_id()
        where = mlflow.get_run(parent).info.experiment_id if parent else experiment_id(config.tracking, uri)
        client = mlflow.MlflowClient()
        above = {} if parent is None else {"mlflow.parentRunId": parent}
        own = {name: str(value) for name, value in config.tracking.tags.items()} | environment()
        known = {**own, **above, **tags, "error": _told(error)}
        run = client.create_run(where, tags=known, run_name=config.tracking.run_name)
        _log_config(run.info.run_id, config)
        _log_traceback(run.info.run_id, error)
        client.set_terminated(run.info.run_id, "FAILED")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:5000]


def _log_traceback(run_id: str, error: BaseException) -> None:
    mlflow.MlflowClient().log_text(run_id, "".join(traceback.format_exception(error)), "traceback.txt")


@functools.cache
def environment() -> dict[str, str]:
    """Tags that tell of versions, code, machine and process; looked up once, for it takes a tenth of a second."""
    versions = {f"version.{name.removesuffix('-skinny')}": version(name) for name in PACKAGES}
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {memory:.0f} GiB"
    return (
        versions | _git() | {"version.python": platform.python_version(), "machine": machine, "owner": process.name()}
    )


def _git() -> dict[str, str]:
    """The checkout's commit, and whether it has changes on top, when this process began; nothing for a wheel."""
    if not IN_CHECKOUT:
        return {}
    git = ["git", "-C", str(CONF.parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return {}
    return {"git_commit": commit, "git_dirty": str(bool(changes)).lower()}


def _log_config(run_id: str, config: Config) -> None:
    client = mlflow.MlflowClient()
    params = [Param(param_key(key), value) for key, value in _flat(config.model_dump(exclude={"study", "sweep"}))]
    for start_ in range(0, len(params), 100):  # MLflow's limit of a batch
        client.log_batch(run_id, params=params[start_ : start_ + 100])
    client.log_text(run_id, to_yaml(config), "config.yaml")


def param_key(key: str) -> str:
    """A key as MLflow takes it: below keys such as `data.columns_as` stand columns, whose names may hold any sign."""
    if not (PLAIN.fullmatch(key) and normpath(key) == key):
        key = re.sub(r"[^\w.\- :]", lambda sign: f"_{ord(sign[0]):x}", key)
    if len(key) > LONGEST_KEY:
        key = f"{key[: LONGEST_KEY - 17]}_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    return key


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Full keys and values, these as an override would write them."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
