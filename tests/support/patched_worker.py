"""The process that brings runs to their store, with something changed in it that a test needs.

Which is one of PATCHES, with its arguments, as JSON in an environment variable.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "PIPELINE_TEST_PATCHES"
COMMAND = ("-m", "support.patched_worker")


def install(**patches: Any) -> None:
    """Has the worker that this process starts be a patched one."""
    from pipeline.track.worker import client

    client.COMMAND = COMMAND
    os.environ[VARIABLE] = json.dumps(patches)


@contextmanager
def installed(**patches: Any) -> Iterator[None]:
    """The same for a while, also where a worker was started before."""
    from pipeline.track.worker import client

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "COMMAND", COMMAND)
        patch.setenv(VARIABLE, json.dumps(patches))
        patch.setattr(client, "_worker", None)
        yield
        if client._worker is not None:
            client._worker.close()


def signals(at: str, after: float, number: int, told: str) -> None:
    """Sends the process that is served a signal so many seconds after that method of the store was first called.

    A file tells when, by the clock of all processes.
    """
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    owner: Any = next(one for one in (SqlAlchemyStore, LocalArtifactRepository) if hasattr(one, at))

    def send() -> None:
        Path(told).write_text(str(time.monotonic()))
        os.kill(os.getppid(), number)

    _with_timer(owner, at, 1, after, send)


def kills(place: str, count: int, seconds: float) -> None:
    """Kills the process that is served so many seconds after a call of that count, counted from 1."""
    from pipeline.track.spool.log_to_mlflow import Transfer
    from pipeline.track.worker.requests import Requests

    owner, name = {"send_model": (Transfer, "_model"), "make_model": (Requests, "write_model")}[place]
    _with_timer(owner, name, count, seconds, lambda: os.kill(os.getppid(), signal.SIGKILL))


def waits(seconds: int) -> None:
    """Waits so many seconds at most for another process's write."""
    from pipeline.track import store

    store.SENDER_WAIT_SECONDS = seconds


def loses_an_answer() -> None:
    """The store makes a run, and nobody hears of it."""
    from mlflow import MlflowClient

    original, calls = MlflowClient.create_run, list[None]()

    def lost(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        calls.append(None)
        if len(calls) == 1:
            raise ConnectionError("lost")
        return found

    MlflowClient.create_run = lost  # type: ignore[method-assign]


def keeps(place: str) -> None:
    """Copies what the store has got to a folder, before it is removed."""
    from pipeline.track.spool.folders import Spooled

    remove = Spooled.remove

    def keep(folder: Spooled) -> None:
        shutil.copytree(folder.path, Path(place) / folder.id)
        remove(folder)

    Spooled.remove = keep  # type: ignore[method-assign]


def _with_timer(owner: Any, name: str, count: int, seconds: float, act: Callable[[], None]) -> None:
    original, calls = getattr(owner, name), list[None]()

    def called(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        if len(calls) == count:
            threading.Timer(seconds, act).start()
        return original(*args, **kwargs)

    setattr(owner, name, called)


PATCHES: dict[str, Callable[..., None]] = {
    "signals": signals,
    "kills": kills,
    "waits": waits,
    "loses_an_answer": loses_an_answer,
    "keeps": keeps,
}


if __name__ == "__main__":
    for patch, arguments in json.loads(os.environ[VARIABLE]).items():
        PATCHES[patch](*arguments)
    from pipeline.track.worker.serving import serve

    serve(socket.socket(fileno=int(sys.argv[1])))
