"""The benchmarks: every peer does its epochs and learns, and results reach their page."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import report, sweeps, works
from benchmarks.measure import Measured
from benchmarks.peers import PEERS

TINY = works.Work("tiny", "tiny", "nothing", n_inputs=5, units=(16,), batch_size=8, epochs_per_turn=2)


class Turns:
    """Counts what a worker would wait for and answer."""

    total = 80

    def __init__(self) -> None:
        self.begun = self.ended = 0

    def begin(self) -> None:
        assert self.begun == self.ended
        self.begun += 1

    def end(self) -> None:
        self.ended += 1


def rows(task: str) -> works.Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 5)).astype(np.float32)
    y = x[:, :1] if task == "regression" else (x[:, :1] > 0).astype(np.float32)
    return works.Rows(x[:100], y[:100], x[100:], y[100:])


@pytest.mark.slow
@pytest.mark.parametrize("task", ["regression", "multiclass"])
@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_learns_in_its_turns(peer: str, task: str) -> None:
    module = importlib.import_module(f"benchmarks.peers.{peer}")
    pytest.importorskip(module.NEEDS, reason=f"{module.NEEDS} is not installed: make bench-setup")
    work = replace(TINY, task=task, n_outputs=1 if task == "regression" else 2)
    given, turns = rows(task), Turns()
    predictions = module.train(work, given, turns)
    assert turns.begun == turns.ended == turns.total
    knowing_nothing = np.mean(given.y**2) if task == "regression" else np.log(2)
    assert works.loss(work, np.asarray(predictions), given.y) < 0.9 * knowing_nothing


def test_operations_per_row() -> None:
    assert TINY.flops_per_row() == 6 * (5 * 16 + 16) - 2 * 5 * 16


def test_results_reach_their_page_and_leave_the_others_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    measured = [
        Measured(name, 4.0, epoch, 9.0, 0.5, 0.1, 1e6) for name, epoch in (("this pipeline", 1.0), ("other", 3.0))
    ]
    report.keep("mnist", report.work_lines(works.WORKS["mnist"], measured, ["third: is not there"], 1e9))
    report.keep("start", report.start_lines({"whole": 9.0, "bare": 6.0, "fit": 1.0, "outside": 2.0}))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    for part in ("| other | 3 s | 3.00 x |", "Left out: third: is not there.", "takes 9.0 s", "outside 2.00, fit 1.00"):
        assert part in text
    assert set(json.loads(report.RESULTS.read_text(encoding="utf-8"))) == {"mnist", "start"}


def test_work_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "minst"])
    with pytest.raises(SystemExit):
        command.main()
    assert "unknown work minst; choose from mnist, california_32" in capsys.readouterr().err


def test_work_whose_data_are_absent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(works, "DATA", Path("/nowhere"))
    monkeypatch.setattr(sys, "argv", ["bench", "mnist"])
    command.main()
    assert "mnist is left out: mnist/mnist.npz" in capsys.readouterr().out


def test_part_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench-sweeps", "paralel_32"])
    with pytest.raises(SystemExit):
        sweeps.main()
    assert "unknown part paralel_32; choose from parallel_32, parallel_256" in capsys.readouterr().err
