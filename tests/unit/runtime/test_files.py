"""Files and folders appear whole or not at all."""

from pathlib import Path

import pytest

from pipeline.runtime.files import whole_file, whole_folder


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
