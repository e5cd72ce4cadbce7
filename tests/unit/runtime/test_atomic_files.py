"""Files and folders appear whole or not at all."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.runtime.atomic_files import (
    _machine,
    own_temporary_files,
    prefix,
    remove_left,
    shared_temporary,
    whole_file,
    whole_folder,
)


def fail(half: Path) -> None:
    half.touch()
    raise ZeroDivisionError


def test_a_file_appears_at_the_end_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as unfinished:
        fail(unfinished)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_at_the_end_and_replaces_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "model"
    for content in ("old", "new"):
        with whole_folder(folder) as unfinished:
            (unfinished / content).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert folder.stat().st_mode & 0o777 == 0o755
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_fails_leaves_nothing_not_even_its_parents(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "made" / "model") as unfinished:
        fail(unfinished / "half")
    assert list(tmp_path.iterdir()) == []


LEAVES = """
import os, sys, tempfile
from pathlib import Path
from pipeline.runtime.atomic_files import own_temporary_files, whole_file, whole_folder
folder = Path(sys.argv[1])
with own_temporary_files(), whole_file(folder / "a") as file, whole_folder(folder / "b") as half:
    (half / "c").touch()
    Path(tempfile.mkdtemp(), "of_a_library").touch()
    print("half", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_half_made_is_removed_and_a_living_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, folder = tmp_path / "temporary", tmp_path / "folder"
    temporary.mkdir()
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with subprocess.Popen(
        [sys.executable, "-c", LEAVES, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):
            with own_temporary_files(), whole_file(folder / "d") as other:
                here, there = [[path.name for path in one.iterdir()] for one in (folder, temporary)]
                assert other.name in here
            if process.poll() is None:
                assert len(here) == 3 + ("d" in here)
                assert len(there) == 2
                process.communicate("\n")
    assert [sorted(here), len(there)] == [sorted([other.name, "d"]), 1]
    assert [path.name for path in folder.iterdir()] == ["d"]
    assert list(temporary.iterdir()) == []
    assert shared_temporary() == temporary


def test_what_another_machine_makes_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("platform.node", lambda: "elsewhere")
        _machine.cache_clear()
        theirs = tmp_path / f"{prefix()}a"
        theirs.touch()
    _machine.cache_clear()
    gone = tmp_path / f"{prefix()}b".replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    gone.touch()
    remove_left(tmp_path)
    assert list(tmp_path.iterdir()) == [theirs]
