"""Kills the process that it runs in at an instant that a test names; see forked.py."""

from __future__ import annotations

import importlib
import io
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline import export, track
from pipeline.fit.checkpoint import file, pace
from support import patched_worker

# Where an instant can be, beside a checkpoint: while a run's journal is made, or what is known of it written; in an
# epoch, in the export, or while the MLflow model is made or sent.
PLACES = {
    "made": (importlib.import_module("pipeline.track.start_run"), "made"),
    "open": (track.Run, "log_known"),
    "epoch": (track.Run, "log_epoch"),
    "export": (export, "save"),
}
IN_WORKER = ("make_model", "send_model")


def often() -> None:
    """Has runs of seconds write checkpoints all the time."""
    pace.SECONDS_BETWEEN, pace.MAX_SHARE = 0.0, 1.0


def kill_at(place: str, count: int, seconds: float) -> None:
    """Kills this process so many seconds after the call of that count, counted from 1; a checkpoint is half written."""
    if place == "checkpoint":
        whole = np.savez
        file.np.savez = counted(count, lambda to, **arrays: _half(whole, to, arrays), whole)  # type: ignore[assignment]
        return
    if place in IN_WORKER:
        patched_worker.install(kills=[place, count, seconds])
        return
    owner, name = PLACES[place]
    whole_call = getattr(owner, name)

    def with_timer(*args: Any, **kwargs: Any) -> Any:
        threading.Timer(seconds, _kill).start()
        return whole_call(*args, **kwargs)

    setattr(owner, name, counted(count, with_timer, whole_call))


def counted(count: int, then: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is another one at the call of that count."""
    calls = []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return (then if len(calls) == count else otherwise)(*args, **kwargs)

    return call


def _half(whole: Callable[..., None], to: io.BufferedWriter, arrays: dict[str, np.ndarray]) -> None:
    made = io.BytesIO()
    whole(made, **arrays)
    to.write(made.getvalue()[: made.tell() // 2])
    to.flush()
    _kill()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
