"""The end of a sweep on the screen: configurations as `compare` ranks them, and every job counted."""

import re

import pytest

from pipeline import load
from pipeline.sweep.results_table import list_next, show_ranking
from pipeline.sweep.start_or_resume import _conclude
from pipeline.track import ParentRun, TrackedRun
from support.ranked_runs import ranked, replicas, tracked


def ended(*runs: TrackedRun, status: str = "FINISHED", **more: int) -> ParentRun:
    return ParentRun("a" * 32, "bold-crow-1", "sqlite:///x.db", status=status, children=list(runs), **more)  # type: ignore[arg-type]


def test_every_job_is_counted_and_every_configuration_has_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        *replicas({"0.1": [5.0, 6.0, 7.0], "0.01": [1.0, 9.0, 20.0]}),
        tracked(None, number=990, status="FAILED", tags={"error": "DataError: no rows"}),
        tracked(None, number=991, status="FAILED"),
        tracked(None, number=992, status="KILLED", tags={"error": "interrupted"}),
        tracked(None, number=993, status="KILLED", tags={"pruned": "true", "pruned_because": "after epoch 3: 5"}),
        tracked(None, number=994, status="RUNNING"),
    ]
    sweep, tracking = ended(*runs, n_before=4), load("tracking.uri=sqlite:///x.db").tracking
    show_ranking(sweep, ranked(*runs), tracking)
    list_next(sweep, tracking, "-m seed=0,1")
    out = capsys.readouterr().out
    counts = "6 finished, 1 pruned, 2 failed, 1 killed, 1 running; 4 finished before and were skipped"
    assert f"sweep             bold-crow-1 ({'a' * 32}): {counts}\n" in out
    for place, (mean, number) in enumerate((("6 ± 1", 1), ("10 ± 9.5", 101)), 1):
        assert re.search(rf"│ {place} │ +{re.escape(mean)} │ +3 │ .* │ {number:032x} │", out)
    assert f"failed            2 runs, the first: DataError: no rows (run {990:032x})\n" in out
    assert f"pruned            1 run, the first: after epoch 3: 5 (run {993:032x})\n" in out
    assert f"killed            1 run, the first: interrupted (run {992:032x})\n" in out
    assert "running           1 run\n" in out
    assert f"best run          {1:032x} (run 1), val_rmse 6: the median of 3 runs" in out
    every_run = f'make compare ARGS="--sweep {"a" * 32} --uri sqlite:///x.db --format json"'
    assert f"every run's id    {every_run}\n" in out
    assert "resume with       python -m pipeline train -m seed=0,1\n" in out


def test_of_many_configurations_the_first_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    runs = replicas({str(rate): [float(rate)] for rate in range(1, 26)})
    show_ranking(ended(*runs), ranked(*runs), load().tracking)
    out = capsys.readouterr().out
    assert len(re.findall(r"│ +\d+ │ +\d+ │ +1 │", out)) == 20
    assert "5 more: make compare" in out
    list_next(ended(*runs), load().tracking, "-m")
    assert "resume with" not in capsys.readouterr().out


def test_a_sweep_of_which_nothing_finished_has_no_best(capsys: pytest.CaptureFixture[str]) -> None:
    run = tracked(None, status="FAILED", tags={"error": "DataError: no rows"})
    show_ranking(ended(run, status="FAILED"), ranked(run), load().tracking)
    out = capsys.readouterr().out
    assert "0 finished, 1 failed" in out
    assert "best run" not in out


def test_a_store_that_is_gone_hides_nothing(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    _conclude(ended(status="FAILED"), load("tracking.uri=sqlite:////proc/no/x.db"), "-m seed=0,1")
    assert "the sweep's runs could not be ranked: tracking.uri: sqlite:////proc/no/x.db cannot be used" in caplog.text
    assert "resume with       python -m pipeline train -m seed=0,1\n" in capsys.readouterr().out
