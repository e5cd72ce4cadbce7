"""Values in groups in the store, by their plain names everywhere else, and runs of before that have none but these."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from mlflow import MlflowClient

from pipeline import track
from pipeline.config import load
from pipeline.track import metric_names
from pipeline.track.spool.folders import made
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import Transfer
from pipeline.train import Result

NAMES = ["seconds_fit", "epoch_val_rmse", "export_difference", "best_epoch", "n_parameters", "val_rmse", "loss"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back(name: str) -> None:
    assert metric_names.plain(metric_names.stored(name)) == name
    assert ("/" in metric_names.stored(name)) == (name not in ("val_rmse", "loss"))


@pytest.mark.parametrize(
    ("query", "now", "before"),
    [
        ("metrics.seconds_fit < 2", "metrics.`seconds/fit` < 2", "metrics.`seconds_fit` < 2"),
        ("metric.`seconds/fit` < 2", "metric.`seconds/fit` < 2", "metric.`seconds_fit` < 2"),
        (
            "params.x = 'metrics.n_parameters' and metrics.\"n_parameters\" > 1 and metrics.val_rmse < 3",
            "params.x = 'metrics.n_parameters' and metrics.`network/n_parameters` > 1 and metrics.`val_rmse` < 3",
            "params.x = 'metrics.n_parameters' and metrics.`n_parameters` > 1 and metrics.`val_rmse` < 3",
        ),
        ("metrics.val_rmse < 3", "metrics.`val_rmse` < 3", None),
        ("params.`model.units` = \"[64, 64]\"", "params.`model.units` = \"[64, 64]\"", None),
        ("param.`data.columns_as.a b` = 1", "param.`data.column_kinds.a b` = 1", "param.`data.columns_as.a b` = 1"),
        (
            "parameters.\"data.column_kinds.a\" = 'params.`data.columns_as`'",
            "parameters.\"data.column_kinds.a\" = 'params.`data.columns_as`'",
            "parameters.`data.columns_as.a` = 'params.`data.columns_as`'",
        ),
    ],
)  # fmt: skip
def test_a_filter_finds_runs_by_either_name(query: str, now: str, before: str | None) -> None:
    assert metric_names.filters(query) == ([now] if before is None else [now, before])


def test_runs_of_both_versions_are_selected_by_either_name(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient(store)
    where = client.create_experiment("both")
    for name in ("seconds_fit", "seconds/fit"):
        for value in (1.0, 9.0):
            run = client.create_run(where, run_name=f"{name} {value:g}")
            client.log_metric(run.info.run_id, name, value)
            client.set_terminated(run.info.run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    for typed in ("metrics.seconds_fit < 5", "metrics.`seconds/fit` < 5"):
        found = track.select_runs("both", query=typed).runs
        assert {run.name for run in found} == {"seconds_fit 1", "seconds/fit 1"}
        assert [run.metrics for run in found] == [{"seconds_fit": 1.0}] * 2


def test_a_run_that_an_earlier_version_began_has_one_series(store: str) -> None:
    """Which has sent five epochs by other names; its journal holds all of them once more, and goes on."""
    client = MlflowClient(store)
    where = client.create_experiment("begun")
    run_id = client.create_run(where).info.run_id
    for epoch in range(1, 6):
        client.log_metric(run_id, "epoch_rmse", float(epoch), timestamp=epoch, step=epoch)
    header = {"uri": store, "run_id": run_id, "tags": {}, "parent": None, "start": 0}
    journal = Journal(header, made(header))
    transfer = Transfer(journal.folder, alive=True)
    transfer.send()
    journal.log([["epoch_rmse", float(epoch), epoch, epoch] for epoch in range(1, 9)])
    transfer.send()
    journal.close()
    assert [entry.step for entry in client.get_metric_history(run_id, "epoch/rmse")] == [6, 7, 8]
    assert [entry.step for entry in metric_names.history(client, run_id, "epoch_rmse")] == list(range(1, 9))
    assert metric_names.plain_values(client.get_run(run_id).data.metrics) == {"epoch_rmse": 8.0}


def test_a_sweep_takes_done_trials_of_before_by_their_names(store: str) -> None:
    client, config = MlflowClient(store), load("data=iris", f"tracking.uri={store}")
    where = client.create_experiment("done")
    parent = client.create_run(where).info.run_id
    run = client.create_run(where, tags={"mlflow.parentRunId": parent, "trial_key": "k"}).info.run_id
    for name, value in (("seconds_fit", 2.0), ("network/n_parameters", 67.0)):
        client.log_metric(run, name, value)
    for epoch in (1, 2):
        client.log_metric(run, "epoch_val_accuracy", 0.5, step=epoch)
    client.set_terminated(run)
    found = track.done(config.tracking, parent, "k")
    assert found is not None
    assert found.metrics == {"seconds_fit": 2.0, "n_parameters": 67.0, "epoch_val_accuracy": 0.5}
    assert track.epochs_of(config.tracking, run, "epoch_val_accuracy") == [(1, 0.5), (2, 0.5)]


def test_a_logged_model_has_the_scores_with_their_rows(trained_once: Callable[..., Result], store: str) -> None:
    result = trained_once("data=iris", "fit.epochs=1")
    client = MlflowClient(store)
    run = client.get_run(result.run_id)
    model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    found = {metric.key: metric for metric in model.metrics or []}
    expected = {name: value for name, value in result.scores.items() if not name.startswith("gap_")}
    assert {name: metric.value for name, metric in found.items()} == expected | {"objective": result.objective}
    digests = {one.tags[0].value: one.dataset.digest for one in run.inputs.dataset_inputs}
    for name, metric in found.items():
        part = "val" if name == "objective" else name.partition("_")[0]
        assert (metric.dataset_name, metric.dataset_digest) == ("iris", digests[part])
        assert len(client.get_metric_history(result.run_id, name)) == 1
