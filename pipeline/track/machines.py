"""What processes that share a sweep agree on, also where they have no more in common than the store.

A lock of the system holds on one machine. Between machines a tag of the store is the lock: written when there is none,
and held by whoever still finds his own name in it a while later (Fischer's algorithm, in Lamport 1987, "A fast mutual
exclusion algorithm"). A SQLite store has one machine, and needs none of that.
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
from pipeline.track.store import STORE_ERRORS, connected

LEADER_VARIABLE = "PIPELINE_SWEEP_PROCESS"  # name of the process that leads this one's sweep
PROCESS = "process."  # and its name: a tag for each process that leads the sweep, with its last sign of life
CLAIM, OPENING = "claim.", "opening."
SETTLE_SECONDS = 1.0  # longer than it takes to see that a tag is free, and to write it
_shared: dict[str, bool] = {}  # by sweep, whether other processes led it too when the store was last heard
STALE_SECONDS = 30.0  # after which nobody is still opening a sweep


def others(tags: Mapping[str, str], mine: str) -> list[str]:
    """Names of the other processes that lead a sweep now, by the tags of its parent run."""
    signs = {name.removeprefix(PROCESS): sign for name, sign in tags.items() if name.startswith(PROCESS)}
    return [name for name in signs if name != mine and _lives(tags, name)]


@contextlib.contextmanager
def claimed(tracking: Tracking, parent: str, trial: str) -> Iterator[bool]:
    """Holds a trial of a sweep against other machines; gives False at once where one of them is at work on it."""
    mine, tag = os.environ[LEADER_VARIABLE], CLAIM + trial
    with signals.held(), connected(tracking) as uri:
        has_it = _has_one_machine(uri) or _claim_if_there(parent, tag, mine)
    try:
        yield has_it
    finally:
        if has_it and not _has_one_machine(uri):
            # Without that process it holds no longer.
            with signals.held(), contextlib.suppress(*STORE_ERRORS), connected(tracking):
                mlflow.MlflowClient().delete_tag(parent, tag)


@contextlib.contextmanager
def one_at_a_time(uri: str, experiment: str, what: str) -> Iterator[None]:
    """Waits until no other machine does that in an experiment."""
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
        client.set_experiment_tag(experiment, tag, mine)
        time.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        client.delete_experiment_tag(experiment, tag)


def _claim_if_there(parent: str, tag: str, mine: str) -> bool:
    """Claims it in the store. One that is away cannot say who has it: whoever is alone with the sweep goes on."""
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
    client.set_tag(parent, tag, mine)
    _shared[parent] = bool(others(tags, mine))
    if not _shared[parent]:  # who comes later finds the tag
        return True
    time.sleep(SETTLE_SECONDS)
    return client.get_run(parent).data.tags.get(tag) == mine


def _lives(tags: Mapping[str, str], name: str) -> bool:
    sign = tags.get(PROCESS + name)
    return sign is not None and not process.is_gone(name, float(sign))


def _has_one_machine(uri: str) -> bool:
    return uri.startswith("sqlite:")
