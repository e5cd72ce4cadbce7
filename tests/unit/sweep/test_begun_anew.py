"""A sweep whose command is given again, but with something else under it: what counts, and what is said."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.config import code
from pipeline.sweep.identity import differences, is_same_command
from pipeline.sweep.results_table import show_begun_anew
from pipeline.track import TrackedRun

ORIGINS = {"data": "d", "ranges": "r", "configuration": "k", "code": "c"}


def begun(**tags: str) -> TrackedRun:
    return TrackedRun("0123", "busy-owl-1", "FINISHED", 0.0, {}, {}, tags)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("seed=0,1 data=iris search.n_trials=9 tracking.experiment=mine", True),
        ("hydra/launcher=local data=iris hydra.launcher.n_jobs=2 seed=0,1", True),
        ("data=iris seed=0,1,2", False),
        ("data=iris seed=0,1 hydra/sweeper=search", False),
    ],
)
def test_a_command_is_the_same_if_it_makes_the_same_jobs(other: str, same: bool) -> None:
    assert is_same_command("data=iris seed=0,1", other) is same


def test_what_is_different_is_named_but_not_what_follows_from_it() -> None:
    assert differences(ORIGINS, ORIGINS) == []
    assert differences(ORIGINS, ORIGINS | {"code": "x", "configuration": "x"}) == ["configuration", "code"]
    assert differences(ORIGINS, ORIGINS | {"data": "x", "configuration": "x"}) == ["data"]


def test_the_line_names_the_sweep_and_why_it_does_not_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    show_begun_anew(begun(origins=json.dumps(ORIGINS | {"data": "x", "code": "y"})), ORIGINS)
    assert capsys.readouterr().out == (
        "sweep busy-owl-1 of the same command used different data and code: a new sweep runs all trials. "
        "The earlier one is kept: python -m pipeline compare --sweep 0123\n"
    )
    show_begun_anew(begun(), ORIGINS)
    assert "of the same command used an earlier version: a new sweep runs all trials" in capsys.readouterr().out


def test_without_git_the_code_is_known_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    known = []
    for text in ("one = 1\n", "one = 2\n", "one = 1\n"):
        (tmp_path / "module.py").write_text(text)
        known.append(code.code.__wrapped__())
    assert known[0] == known[2] != known[1]
    assert known[0].startswith(f"{version('dense-pipeline')}+")


def test_an_installed_wheel_is_not_known_by_the_commit_of_whose_checkout_it_lies_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code, "IN_CHECKOUT", False)
    assert code.code.__wrapped__() == f"{version('dense-pipeline')}+{code._sources()}"
