"""The line of a trial of a sweep: how many have ended, what tells it from the others, and the time left."""

from __future__ import annotations

import json

import pytest

from pipeline.sweep import progress
from pipeline.sweep.progress import VARIABLE, Progress, duration, swept_words


def test_lines_count_and_tell_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0, 112.0, 113.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    counted = Progress(6)
    assert counted.ended("seed=0", "finished before, as run 7", was_run=False) == (
        "1/6  seed=0  finished before, as run 7"
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
