"""Atomic files and folders: written under a temporary name next to their destination, and renamed at the end.

The temporary name contains the process, so that later processes can remove what a killed one has left.
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
FORMER = re.compile(rf"{re.escape(PREFIX)}[a-z0-9_]{{8}}")  # names by earlier versions, without the process
FORMER_SECONDS = 86_400.0  # since the last write; writing takes minutes at most
_shared_temporary: list[Path] = []  # the common temporary folder, while this process uses its own
PROBE_BYTES = 1 << 14


def room(path: Path) -> str:
    """Describes the free space of the file system of a path, for a message; the path need not exist."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    mount = next(one for one in (there, *there.parents) if one.is_mount())
    return f"the file system {mount} has {shutil.disk_usage(there).free / 2**20:.0f} MB left"


def prefix() -> str:
    """Returns the prefix of this process's temporary names: machine, process id and start time."""
    _, number, start = process.name().rsplit("/", 2)
    return f"{PREFIX}{_machine()}-{number}-{float(start):.0f}-"


def remove_left(folder: Path) -> None:
    """Removes unfinished files that dead processes of this machine left in a folder; the folder may be missing."""
    for path in folder.glob(f"{PREFIX}{_machine()}-*-*-*"):
        number, start, _ = path.name.removeprefix(f"{PREFIX}{_machine()}-").split("-", 2)
        if process.is_gone(f"{platform.node()}/{number}/{start}", time.time()):
            with contextlib.suppress(OSError):  # another process was faster, or another user owns it
                _remove(path)


def remove_former(folder: Path) -> None:
    """Removes unfinished files of earlier versions from a folder of this pipeline; the folder may be missing.

    Their names do not contain a process; so only files that have not changed for a day are removed.
    """
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another process was faster, or another user owns it
            if FORMER.fullmatch(path.name) and time.time() - _last_written(path) > FORMER_SECONDS:
                _remove(path)


def _last_written(path: Path) -> float:
    """Returns when a file, or anything in a folder, was last written, in seconds since 1970."""
    return max(one.lstat().st_mtime for one in (path, *path.rglob("*")))


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@functools.cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@contextlib.contextmanager
def own_temporary_files() -> Iterator[None]:
    """Puts all temporary files of this process, including those of libraries, into a folder that is deleted at the end.

    The next process deletes the folder of a killed one. If the folder cannot be made, this does nothing: the code that
    needs a temporary file reports the error.
    """
    try:
        before = Path(tempfile.gettempdir())
        own = tempfile.mkdtemp(dir=before, prefix=prefix())
    except OSError:
        yield
        return
    remove_left(before)
    held = os.open(own, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX)  # keeps systemd from removing it as an old temporary folder
    _shared_temporary.append(before)
    tempfile.tempdir = own
    try:
        yield
    finally:
        tempfile.tempdir = str(_shared_temporary.pop())
        shutil.rmtree(own, ignore_errors=True)
        os.close(held)


def shared_temporary() -> Path:
    """Returns the temporary folder that all processes share."""
    return _shared_temporary[0] if _shared_temporary else Path(tempfile.gettempdir())


def check_room(folder: Path) -> None:
    """Checks that a folder can be written, by writing a file; makes the folder if it is missing.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, prefix=prefix(), buffering=0) as file:
        file.write(bytes(PROBE_BYTES))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields an empty file next to `path`, which replaces `path` at the end; a failure leaves `path` unchanged.

    Raises:
        OSError: The folder is missing or may not be written.
    """
    remove_left(path.parent)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix(), delete=False) as made:
        unfinished = Path(made.name)
    try:
        yield unfinished
        unfinished.chmod(0o644)  # a temporary file is private to its owner
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def lasting_file(path: Path) -> Iterator[Path]:
    """Like `whole_file`, but flushed to disk: after a power cut the file has either its old or its new content.

    Raises:
        OSError: The folder is missing or may not be written, or the disk is full.
    """
    with whole_file(path) as unfinished:
        yield unfinished
        _to_disk(unfinished)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    """Waits until a file, or the entries of a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder next to `folder`, which replaces `folder` at the end; a failure leaves `folder` unchanged.

    Makes missing parents, and removes them on a failure.

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
        with contextlib.suppress(OSError):  # the first parent that is not empty stops it
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
