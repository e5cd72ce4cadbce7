"""The line of a trial of a sweep: how many have ended, what tells it from the others, and the time left."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.core_plugins.basic_launcher import BasicLauncher

from pipeline.sweep import ended_trials, progress
from pipeline.sweep.current_sweep import OpenSweep, leading
from pipeline.sweep.progress import VARIABLE, Progress, duration, swept_words


def test_lines_count_and_tell_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0, 112.0, 113.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    counted = Progress(6)
    assert counted.ended("seed=0", "skipped: finished as run 7", was_run=False) == (
        "1/6  seed=0  skipped: finished as run 7"
    )
    assert counted.ended("seed=1", "objective 3, 5.0 s") == "2/6  seed=1  objective 3, 5.0 s"  # one says too little
    assert counted.ended("seed=2", "failed") == "3/6  seed=2  failed; 15 s left"  # two in 10 s, three are left
    assert counted.ended("seed=3", "failed") == "4/6  seed=3  failed; 8 s left"
    assert counted.ended("seed=4", "failed", was_run=False).startswith("5/6")
    assert counted.ended("seed=5", "failed") == "6/6  seed=5  failed"


def test_of_a_search_without_end_nothing_is_left() -> None:
    counted = Progress(None)
    assert [counted.ended("", "pruned") for _ in range(3)] == ["1  pruned", "2  pruned", "3  pruned"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7300, "2 h"), (3e5, "3 days")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_only_keys_that_differ_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["data=table", "data.path=my.csv", "data.target=price", "model.units=[32]", "+tracking.tags.a=1"]
    assert swept_words(words) == " ".join(words)
    monkeypatch.setenv(VARIABLE, json.dumps(["model.units", "tracking.tags.a"]))
    assert swept_words(words) == "model.units=[32] +tracking.tags.a=1"
    assert swept_words(["data=table"]) == "data=table"


def test_trials_of_other_launchers_are_reported_as_they_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_trials, "POLL_SECONDS", 0.05)
    caplog.set_level(logging.INFO)
    another: Any = object()
    with leading(OpenSweep(None, {}, Progress(3))):  # type: ignore[arg-type]
        with ended_trials.followed(another, tmp_path / "sweep"):
            ended_trials.report("seed=0", "objective 1, 2.0 s", True)
            end = time.monotonic() + 60
            while caplog.messages != ["1/3  seed=0  objective 1, 2.0 s"]:
                assert time.monotonic() < end
                time.sleep(0.01)
            ended_trials.report("seed=1", "skipped: finished as run abc", False)
        assert caplog.messages[1:] == ["2/3  seed=1  skipped: finished as run abc"]
        assert not list((tmp_path / "sweep").iterdir())
        ended_trials.report("seed=2", "failed", True)  # nobody reads it
        with ended_trials.followed(BasicLauncher(), tmp_path / "serial"):
            ended_trials.report("seed=2", "failed", True)
    assert len(caplog.messages) == 2
    assert not (tmp_path / "serial").exists()
