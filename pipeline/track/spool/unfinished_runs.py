"""Sends what dead processes have left in the spool, and closes their runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pipeline.config import mlruns
from pipeline.errors import TrackingError
from pipeline.runtime.atomic_files import remove_former, remove_left
from pipeline.track.children import LOST
from pipeline.track.spool.folders import JOURNAL, Entry, Spooled, header_of, left, line, parents, root
from pipeline.track.spool.log_to_mlflow import Transfer, is_away
from pipeline.track.store import connected_to, said

REOPENED = "is_reopened"  # in a journal's first entry: the run had ended before, and its status does not change
NO_ANSWER = "the store does not answer"
ENDS = ("end", "leave", "conclude")  # last entries of a journal


@dataclass
class Sent:
    """Result of sending the spool."""

    runs: list[str] = field(default_factory=list)  # ids of runs that were completely sent
    closed: dict[str, str | None] = field(default_factory=dict)  # runs that were closed as KILLED, with their sweeps
    alive: list[str] = field(default_factory=list)  # runs that their own process sends
    sweeps: list[tuple[str, str]] = field(default_factory=list)  # stores and ids of sweeps that were concluded
    resumable: list[str] = field(default_factory=list)  # runs that stay RUNNING, because their command resumes them
    kept: dict[str, str] = field(default_factory=dict)  # runs that are still in the spool, and why


def may_resume(*run_ids: str | None) -> bool:
    """Whether a run with one of these ids has a checkpoint, from which its command resumes it."""
    folders = (mlruns() / "checkpoints").glob("*")
    return any(any(folder.glob(f"{run_id}/*.npz")) for folder in folders for run_id in run_ids if run_id)


def send_left(uri: str | None) -> Sent:
    """Sends the runs in the spool whose processes have ended.

    Args:
        uri: Of the only store to send to; None for all stores.
    """
    _remove_half_made()
    found = Sent()
    away: set[str] = set()
    # The journal that concludes a sweep is sent after those of its trials.
    for folder in sorted(left(), key=lambda one: header_of(one).get("is_sweep", False)):
        with folder.claimed() as is_mine:
            first = next(folder.entries(0), None)
            if first is None:  # its own process has sent it meanwhile
                continue
            if not is_mine:
                found.alive.append(first[0].get("run_id", folder.id))
                continue
            to = str(first[0]["uri"])
            if uri not in (None, to):
                continue
            if to in away:
                found.kept[folder.id] = NO_ANSWER
            elif (trial := _kept_trial(folder, found)) is not None:
                found.kept[folder.id] = f"its trial {trial} is not in the store yet"
            elif not _reaches(folder, to, found):
                away.add(to)
    return found


def _kept_trial(folder: Spooled, found: Sent) -> str | None:
    """Returns a trial that the store must have before its sweep is concluded; None if there is none."""
    header = folder.header
    if not header.get("is_sweep"):
        return None
    return next((trial for trial in found.kept if header["run_id"] in parents(Spooled(root() / trial))), None)


def _reaches(folder: Spooled, uri: str, found: Sent) -> bool:
    """Sends a run; returns whether its store answers."""
    try:
        with connected_to(uri):
            return _send(folder, found)
    except TrackingError as error:  # the store cannot be used
        found.kept[folder.id] = str(error)
        return False


def _remove_half_made() -> None:
    """Removes unfinished files of killed processes from the folders of runs."""
    kept = mlruns()
    for folder in (root(), kept / "baselines", kept / "comparisons", *(kept / "checkpoints").glob("*/*")):
        remove_left(folder)
        remove_former(folder)


def end(folder: Spooled, status: str, error: str) -> bool:
    """Ends the journal of a run whose process has died.

    Args:
        folder: Of the run, locked.
        status: Final status of the run.
        error: Why it ended.

    Returns:
        False if the run had already ended, or keeps its earlier status.
    """
    entries = list(folder.entries(0))
    if entries[-1][0]["kind"] in ENDS:
        return False
    path = folder.path / JOURNAL
    last = _last_entries(folder.header, int(path.stat().st_mtime * 1000), status, error)
    os.truncate(path, entries[-1][1])  # an incomplete entry
    with path.open("ab") as file:
        file.writelines(map(line, last))
    return last[-1]["kind"] != "leave"


def _last_entries(header: Entry, written: int, status: str, error: str) -> list[Entry]:
    """Returns the entries that end the journal of a dead process.

    Args:
        header: First entry of the journal.
        written: When the journal was last written, in ms since 1970.
        status: Of the run.
        error: Why it ended.
    """
    if header.get(REOPENED):
        return [{"kind": "leave"}]
    if header.get("is_sweep"):
        return [{"kind": "conclude", "owner": header.get("owner", ""), "status": status}]
    tag = {"kind": "tags", "tags": {"error": error}}
    return [tag, {"kind": "end", "status": status, "at": max(written, int(header["start"]))}]


def _send(folder: Spooled, found: Sent) -> bool:
    """Sends a run; returns whether the store answers."""
    header, is_closed = folder.header, False
    if not may_resume(folder.id, folder.sent["run_id"]) and end(folder, "KILLED", LOST):
        is_closed = True
        found.closed[header.get("run_id", folder.id)] = header.get("parent")
    transfer = Transfer(folder, alive=False)
    try:
        transfer.send()
    except Exception as error:
        found.kept[folder.id] = said(str(header["uri"]), error)
        return not is_away(error)
    if not transfer.is_complete:
        found.resumable.append(str(transfer.run_id))
        return True
    folder.remove()
    if not header.get("is_sweep"):
        if header.get("parent") is not None or not header["tags"].get("sweep"):
            found.runs.append(str(transfer.run_id))
    elif not is_closed:  # a sweep that died is not over, and gets no models yet
        found.sweeps.append((str(header["uri"]), str(transfer.run_id)))
    return True
