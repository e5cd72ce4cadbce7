"""Files and folders that appear whole or not at all: made beside their place, and moved there at the end.

What a process that is killed leaves half made has that process in its name, and is removed by the next that looks.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.runtime import process

PREFIX = ".unfinished-"
FORMER = re.compile(rf"{re.escape(PREFIX)}[a-z0-9_]{{8}}")  # names of versions that had no process in them
FORMER_SECONDS = 86_400.0  # since anything was written there; making takes minutes at most
_shared_temporary: list[Path] = []  # of processes of all kinds, where this one has a folder of its own
PROBE_BYTES = 1 << 14


def room(path: Path) -> str:
    """What the file system that a path lies in, or is to lie in, has left: for a message."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    mount = next(one for one in (there, *there.parents) if one.is_mount())
    return f"the file system {mount} has {shutil.disk_usage(there).free / 2**20:.0f} MB left"


def prefix() -> str:
    """How the name of what this process makes begins: machine, number and start of the process."""
    _, number, start = process.name().rsplit("/", 2)
    return f"{PREFIX}{_machine()}-{number}-{float(start):.0f}-"


def remove_left(folder: Path) -> None:
    """Removes what processes of this machine that are dead have left half made in a folder, if there is such a one."""
    for path in folder.glob(f"{PREFIX}{_machine()}-*-*-*"):
        number, start, _ = path.name.removeprefix(f"{PREFIX}{_machine()}-").split("-", 2)
        if process.is_gone(f"{platform.node()}/{number}/{start}", time.time()):
            with contextlib.suppress(OSError):  # another process was faster, or it is another user's
                _remove(path)


def remove_former(folder: Path) -> None:
    """Removes what former versions have left half made in a folder of this pipeline's own, if there is such a one.

    Their names do not tell whose it is; so only what nobody has written to for a day goes.
    """
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another process was faster, or it is another user's
            if FORMER.fullmatch(path.name) and time.time() - _last_written(path) > FORMER_SECONDS:
                _remove(path)


def _last_written(path: Path) -> float:
    """When a file, or anything in a folder, was last written, in seconds since 1970."""
    return max(one.lstat().st_mtime for one in (path, *path.rglob("*")))


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@functools.cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@contextlib.contextmanager
def own_temporary_files() -> Iterator[None]:
    """Has all temporary files of this process, also those of libraries, lie in a folder that goes with it.

    That of a process that was killed goes with the next. Where none can be made, whoever needs one tells of it.
    """
    try:
        before = Path(tempfile.gettempdir())
        own = tempfile.mkdtemp(dir=before, prefix=prefix())
    except OSError:
        yield
        return
    remove_left(before)
    held = os.open(own, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX)  # systemd's removal of old temporary files leaves it alone
    _shared_temporary.append(before)
    tempfile.tempdir = own
    try:
        yield
    finally:
        tempfile.tempdir = str(_shared_temporary.pop())
        shutil.rmtree(own, ignore_errors=True)
        os.close(held)


def shared_temporary() -> Path:
    """The folder for temporary files that other processes find as well."""
    return _shared_temporary[0] if _shared_temporary else Path(tempfile.gettempdir())


def check_room(folder: Path) -> None:
    """Tries to write a file into a folder, which is made if need be.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, prefix=prefix(), buffering=0) as file:
        file.write(bytes(PROBE_BYTES))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives an empty file beside `path` to write to, which replaces `path` at the end; a failure leaves nothing.

    Raises:
        OSError: The folder is missing or may not be written.
    """
    remove_left(path.parent)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix(), delete=False) as made:
        unfinished = Path(made.name)
    try:
        yield unfinished
        unfinished.chmod(0o644)  # a temporary file is for its owner alone
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def lasting_file(path: Path) -> Iterator[Path]:
    """As `whole_file`, and on the disk when it ends: what comes after a power cut is the file as it was or as it is.

    Raises:
        OSError: The folder is missing or may not be written, or the disk is full.
    """
    with whole_file(path) as unfinished:
        yield unfinished
        _to_disk(unfinished)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder beside `folder` to fill, which replaces `folder` at the end; a failure leaves nothing.

    Parents that are missing are made, and removed again on a failure.

    Raises:
        OSError: The folder cannot be made.
    """
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_left(folder.parent)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix()))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        _take_place(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        with contextlib.suppress(OSError):  # of the first parent that is not empty
            for parent in missing:
                parent.rmdir()


def _take_place(unfinished: Path, folder: Path) -> None:
    if not folder.exists():
        unfinished.rename(folder)
        return
    older = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix()))
    folder.replace(older)  # onto an empty folder
    unfinished.rename(folder)
    shutil.rmtree(older)
