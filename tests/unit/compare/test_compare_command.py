"""The command that compares: what it finds, prints, logs and asks the next run to be."""

import csv
import io
import json
import math
import random
import re
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from pipeline import load, track
from pipeline.commands.compare import main
from pipeline.compare.sweep_report import rank_sweep, report_sweep
from pipeline.compare.train_command import command, overrides, spelled
from pipeline.config import to_yaml
from pipeline.track.store import experiment_id
from support.places import ROOT

FUTURE = 4_000_000_000_000  # milliseconds: later than the sweeps of other tests


@pytest.fixture(scope="module")
def sweep_store(store: str) -> SimpleNamespace:
    """A store with a sweep of three learning rates and three seeds, and a run that failed."""
    return make_sweep(store, n_rates=3, n_seeds=3)


def make_sweep(uri: str, n_rates: int, n_seeds: int, n_epochs: int = 3) -> SimpleNamespace:
    """Writes runs as the pipeline does, but for the training."""
    tracking = load("data=diabetes", "tracking.experiment=compared", f"tracking.uri={uri}").tracking
    rng = random.Random(0)
    with track.connected(tracking):
        client, where = MlflowClient(), experiment_id(tracking, uri)
        tags = {"sweep": "data=diabetes", "objective": "auto"}
        parent = client.create_run(where, start_time=FUTURE, tags=tags, run_name="bold-crow-1").info.run_id
        client.create_run(where, start_time=FUTURE - 1, tags={"sweep": ""}, run_name="calm-finch-2")
        drawn = n_seeds == 1
        jobs = [
            (10 ** rng.uniform(-4, 0) if drawn else 10.0**-rate, seed)
            for rate in range(n_rates)
            for seed in range(n_seeds)
        ]
        runs = [write_run(client, where, parent, (*job, rng.gauss(0, 0.1)), n_epochs) for job in jobs]
        client.set_terminated(runs[0], "FAILED")
        client.set_tag(runs[0], "error", "DataError: no rows")
    return SimpleNamespace(
        uri=uri, tracking=tracking, parent=parent, client=client, jobs=dict(zip(runs, jobs, strict=True))
    )


BASE = {f"data.key_{number}": "null" for number in range(60)}


def write_run(client: MlflowClient, where: str, parent: str, drawn: tuple[float, int, float], n_epochs: int) -> str:
    rate, seed, noise = drawn
    score = 50 + (math.log10(rate) + 2) ** 2 + noise
    run = client.create_run(where, run_name=f"rate {rate}", tags={"mlflow.parentRunId": parent}).info.run_id
    params = BASE | {"fit.learning_rate": str(rate), "seed": str(seed), "data.split.seed": str(seed)}
    final = {"objective": score, "val_rmse": score, "test_rmse": score + 1, "gap_rmse": 2.0, "n_parameters": 100 + rate}
    metrics = [Metric(name, value, 0, 0) for name, value in (final | {"seconds_fit": 1 + rate}).items()]
    for epoch in range(1, n_epochs + 1):
        metrics += [Metric("loss", 1 / epoch, 0, epoch), Metric("val_loss", 2 / epoch, 0, epoch)]
    tags = [RunTag("objective", "val_rmse"), RunTag("n_rows_train", "80"), RunTag("n_rows_val", "20")]
    client.log_batch(run, metrics, [Param(key, value) for key, value in params.items()], tags)
    client.set_terminated(run)
    return run


@pytest.fixture
def compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sweep_store: SimpleNamespace
) -> Callable[..., SimpleNamespace]:
    """Runs the command on the store; gives what it printed, and its message where it failed."""

    def run(*arguments: str) -> SimpleNamespace:
        try:
            main(["--uri", sweep_store.uri, *arguments])
            message = None
        except SystemExit as end:
            message = end.code
        said = capsys.readouterr()
        return SimpleNamespace(out=said.out, err=said.err, message=message)

    return run


def test_the_latest_sweep_is_shown_and_its_report_logged(
    compared: Callable[..., SimpleNamespace], sweep_store: SimpleNamespace
) -> None:
    said = compared()
    assert said.message is None
    assert "sweep bold-crow-1: 8 finished, 1 failed" in said.out
    assert "1 run, the first: DataError: no rows" in said.out
    (command,) = re.findall(r"best +make rerun RUN=([0-9a-f]{32})\n", said.out)
    (best,) = re.findall(r"best run +([0-9a-f]{32}) \(rate 0.01\), val_rmse .*: the median of 3 runs", said.out)
    assert command == best
    logged = [entry.path for entry in sweep_store.client.list_artifacts(sweep_store.parent, "comparison")]
    assert logged == ["comparison/leaderboard.csv", "comparison/report.html"]
    (place,) = re.findall(r"report +(\S+)", said.out)
    assert "Comparison: sweep bold-crow-1" in Path(place).read_text(encoding="utf-8")


def test_formats_for_pipes_hold_nothing_else(compared: Callable[..., SimpleNamespace]) -> None:
    table = compared("--sweep", "bold-crow-1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["fit.learning_rate"] for row in rows] == ["0.01", "0.1", "1.0"]
    assert [row["n_runs"] for row in rows] == ["3", "3", "2"]
    assert table.err == "configurations have from 2 to 3 runs: a mean over fewer runs is noisier\n"
    content = json.loads(compared("--format", "json").out)
    assert content["n_runs"] == {"finished": 8, "failed": 1}
    assert content["configurations"][0]["place"] == 1
    assert {run["seed"] for run in content["configurations"][0]["runs"]} == {"0", "1", "2"}
    assert content["others"][0]["reason"] == "DataError: no rows"
    lines = compared("--format", "md", "--top", "1").out.splitlines()
    assert lines[0] == "| # | val_rmse | runs | test_rmse | learning_rate |"
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "bold-cow"], "--sweep: unknown sweep 'bold-cow'; did you mean bold-crow-1?"),
        (["--sweep", "zzz"], "--sweep: unknown sweep 'zzz'; known: bold-crow-1, calm-finch-2"),
        (["--experiment", "comparred"], "unknown experiment 'comparred'; did you mean compared?"),
        (["--query", "nonsense"], "write it as in 'metrics.objective < 60 and params.`model.units` = \"[64, 64]\"'"),
        (["--query", "metrics.val_rmse < 0"], "all runs where metrics.val_rmse < 0: no runs found"),
        (["--sweep", "calm-finch-2"], "sweep calm-finch-2: no runs found"),
        (["--objective", "val_loss"], "--objective: val_loss is not a validation score"),
        (["--report", "/proc/no/report.html"], "--report: /proc/no/report.html cannot be written"),
        (
            ["--uri", "sqlite:////proc/no/x.db"],
            "tracking.uri: the store /proc/no/x.db does not exist; the first run makes it",
        ),
        (["--uri", "mlruns"], "tracking.uri: mlruns is a folder"),
    ],
)
def test_what_is_not_there_is_reported(
    compared: Callable[..., SimpleNamespace], arguments: list[str], message: str
) -> None:
    said = compared(*arguments)
    assert message in str(said.message)
    assert said.out == ""


def test_runs_are_found_by_experiment_and_query(compared: Callable[..., SimpleNamespace], tmp_path: Path) -> None:
    report = tmp_path / "deep" / "report.html"
    query = "params.`fit.learning_rate` = '0.01'"
    said = compared("--experiment", "compared", "--query", query, "--report", str(report))
    assert "experiment compared where params.`fit.learning_rate` = '0.01': 3 finished" in said.out
    assert "One configuration" in said.out
    assert report.is_file()
    assert [path.name for path in report.parent.iterdir()] == ["report.html"]


def test_a_fault_in_the_comparison_spoils_no_sweep(
    sweep_store: SimpleNamespace, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = rank_sweep(sweep_store.parent, sweep_store.tracking)
    report_sweep("f" * 32, comparison, sweep_store.tracking)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"--sweep {'f' * 32} --uri {sweep_store.uri}" in caplog.text
    assert capsys.readouterr().out == ""
    report_sweep(sweep_store.parent, comparison, sweep_store.tracking)
    assert len(caplog.records) == 1
    assert "comparison/report.html" in capsys.readouterr().out


@pytest.mark.slow
def test_a_thousand_runs_take_seconds(tmp_path: Path) -> None:
    made = make_sweep(f"sqlite:///{tmp_path / 'mlflow.db'}", n_rates=1000, n_seeds=1, n_epochs=5)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", "compare", "--uri", made.uri],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert "sweep bold-crow-1: 999 finished, 1 failed" in ended.stdout
    assert ended.stderr == ""
    assert processor < 20, f"{seconds:.1f} s"  # the processor's, which other work on the machine does not add to


@pytest.mark.parametrize(
    "given",
    [
        ["data=table", "data.path=x.csv", "data.target=y", "fit.epochs=3"],
        ["data=diabetes", "model=dense_regularized", "fit=sgd", "seed=3", "data.split.seed=1"],
        [
            "data=plain_table",
            "data.path=a b.csv",
            "data.target=[Heating Load,Cooling Load]",
            "data.column_kinds={a b: date}",
            "data.impute={default: mean, by_column: {a b: constant}}",
            "data.input_scaling.by_column.default=none",
        ],
        [
            "data=plain_table",
            "data.path=x.csv",
            "data.target='1e5'",
            "data.missing_values=['null',-1,'it''s']".replace("''", ""),
        ],
        [
            "data=plain_table",
            "data.path='$HOME/x\"y.csv'",
            "data.target='a,b=c'",
            "data.delimiter=tab",
            "data.comment='#'",
        ],
    ],
    ids=["a table", "other files", "blanks", "words like numbers", "signs"],
)
def test_the_command_composes_the_same_config(sweep_store: SimpleNamespace, given: list[str], tmp_path: Path) -> None:
    config = load(*given, "tracking.run_name=some")
    with track.connected(sweep_store.tracking):
        run = sweep_store.client.create_run("0").info.run_id
        sweep_store.client.log_text(run, to_yaml(config), "config.yaml")
        found = overrides(run)
        sweep_store.client.delete_run(run)
    assert found is not None
    composed = load(*found)
    assert composed.model_dump(exclude={"tracking"}) == config.model_dump(exclude={"tracking"})
    assert composed.tracking.experiment == config.tracking.experiment
    words = shlex.split(spelled(found))
    assert found == (shlex.split(words[-1].removeprefix("ARGS=")) if words[0] == "make" else words[4:])


def test_a_run_without_a_config_is_repeated_by_its_id(sweep_store: SimpleNamespace) -> None:
    with track.connected(sweep_store.tracking):
        assert command(sweep_store.parent) == f"make rerun RUN={sweep_store.parent}"
