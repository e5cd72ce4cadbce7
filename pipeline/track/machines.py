"""Mutual exclusion of processes that share a sweep, even on different machines that have only the store in common.

A system lock works on one machine. Between machines a tag in the store is the lock: a process writes its name if the
tag is missing, and holds the lock if it still finds its name a while later (Fischer's algorithm, in Lamport 1987, "A
fast mutual exclusion algorithm"). A SQLite store is used from one machine, and does not need it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping

import mlflow

from pipeline.config.rules import Tracking
from pipeline.runtime import process, signals
from pipeline.track.simultaneous import retried
from pipeline.track.store import STORE_ERRORS, connected

LEADER_VARIABLE = "PIPELINE_SWEEP_PROCESS"  # name of the process that leads the sweep of this process
PROCESS = "process."  # plus its name: tag with the last sign of life of a process that leads the sweep
CLAIM, OPENING = "claim.", "opening."
SETTLE_SECONDS = 1.0  # longer than reading a missing tag and writing it takes
_shared: dict[str, bool] = {}  # by sweep, whether other processes led it too when the store last answered
STALE_SECONDS = 30.0  # after which the opening of a sweep counts as abandoned


def others(tags: Mapping[str, str], mine: str) -> list[str]:
    """Returns the names of the other live processes that lead a sweep.

    Args:
        tags: Of the parent run.
        mine: Name of this process.
    """
    signs = {name.removeprefix(PROCESS): sign for name, sign in tags.items() if name.startswith(PROCESS)}
    return [name for name in signs if name != mine and _lives(tags, name)]


@contextlib.contextmanager
def claimed(tracking: Tracking, parent: str, trial: str) -> Iterator[bool]:
    """Claims a trial of a sweep against other machines; yields False at once if one of them runs it.

    Args:
        tracking: Of the store.
        parent: Id of the parent run.
        trial: Key of the trial.
    """
    mine, tag = os.environ[LEADER_VARIABLE], CLAIM + trial
    with signals.held(), connected(tracking) as uri:
        has_it = _has_one_machine(uri) or _claim_if_there(parent, tag, mine)
    try:
        yield has_it
    finally:
        if has_it and not _has_one_machine(uri):
            # If this fails, the claim ends with the process.
            with signals.held(), contextlib.suppress(*STORE_ERRORS), connected(tracking):
                mlflow.MlflowClient().delete_tag(parent, tag)


@contextlib.contextmanager
def one_at_a_time(uri: str, experiment: str, what: str) -> Iterator[None]:
    """Holds a lock of an experiment against other machines.

    Args:
        uri: Of the store.
        experiment: Id of the experiment.
        what: Name of the lock.
    """
    if _has_one_machine(uri):
        yield
        return
    client, mine = mlflow.MlflowClient(), f"{process.name()} {uuid.uuid4().hex}"
    tag = OPENING + hashlib.sha256(what.encode()).hexdigest()[:32]

    def holder() -> str | None:
        return client.get_experiment(experiment).tags.get(tag)

    while holder() != mine:
        begin, before = time.monotonic(), holder()
        while before and holder() == before and time.monotonic() - begin < STALE_SECONDS:
            signals.check()
            time.sleep(SETTLE_SECONDS / 5)
        retried(lambda: client.set_experiment_tag(experiment, tag, mine))
        time.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        client.delete_experiment_tag(experiment, tag)


def _claim_if_there(parent: str, tag: str, mine: str) -> bool:
    """Claims a trial in the store; without an answer, a process that leads the sweep alone may continue."""
    while True:
        try:
            return _claim(parent, tag, mine)
        except STORE_ERRORS:
            if not _shared.get(parent):
                return True
            signals.check()
            time.sleep(SETTLE_SECONDS)


def _claim(parent: str, tag: str, mine: str) -> bool:
    client = mlflow.MlflowClient()
    tags = client.get_run(parent).data.tags
    holder = tags.get(tag, mine)
    if holder != mine and _lives(tags, holder):
        return False
    retried(lambda: client.set_tag(parent, tag, mine))
    _shared[parent] = bool(others(tags, mine))
    if not _shared[parent]:  # later processes find the tag
        return True
    time.sleep(SETTLE_SECONDS)
    return client.get_run(parent).data.tags.get(tag) == mine


def _lives(tags: Mapping[str, str], name: str) -> bool:
    sign = tags.get(PROCESS + name)
    return sign is not None and not process.is_gone(name, float(sign))


def _has_one_machine(uri: str) -> bool:
    return uri.startswith("sqlite:")
