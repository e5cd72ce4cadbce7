"""Files and folders that appear whole or not at all: made beside their place, and moved there at the end."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".unfinished-"
PROBE_BYTES = 1 << 14


def room(path: Path) -> str:
    """What the file system that a path lies in, or is to lie in, has left: for a message."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    mount = next(one for one in (there, *there.parents) if one.is_mount())
    return f"the file system {mount} has {shutil.disk_usage(there).free / 2**20:.0f} MB left"


def check_room(folder: Path) -> None:
    """Tries to write a file into a folder, which is made if need be.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, prefix=PREFIX, buffering=0) as file:
        file.write(bytes(PROBE_BYTES))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives an empty file beside `path` to write to, which replaces `path` at the end; a failure leaves nothing.

    Raises:
        OSError: The folder is missing or may not be written.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=PREFIX, delete=False) as made:
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
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=PREFIX))
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
    older = Path(tempfile.mkdtemp(dir=folder.parent, prefix=PREFIX))
    folder.replace(older)  # onto an empty folder
    unfinished.rename(folder)
    shutil.rmtree(older)
