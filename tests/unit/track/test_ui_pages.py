"""Addresses of MLflow's pages, and the columns that its lists of runs get with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from pipeline import TrackingError, track
from pipeline.track.store import connected_to


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def client(uri: str) -> Iterator[MlflowClient]:
    with connected_to(uri):
        yield MlflowClient(uri)


def run(client: MlflowClient, where: str, tags: dict[str, str], params: dict[str, str], **metrics: float) -> str:
    made = client.create_run(where, tags=tags)
    for name, value in params.items():
        client.log_param(made.info.run_id, name, value)
    for name, number in metrics.items():
        client.log_metric(made.info.run_id, name, number)
    client.set_terminated(made.info.run_id)
    return str(made.info.run_id)


def view(client: MlflowClient, where: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get_experiment(where).tags[f"mlflow.sharedViewState.{name}"])
    return found


def test_an_empty_store_lists_its_experiments(tmp_path: Path) -> None:
    with connected_to(f"sqlite:///{tmp_path / 'mlflow.db'}"):
        assert track.page_of_experiment() == "/#/experiments?workflowType=machine_learning"


def test_an_experiment_shows_scores_and_what_differs(client: MlflowClient) -> None:
    houses, flowers = client.create_experiment("houses"), client.create_experiment("flowers")
    same = {"model.name": "dense", "fit.epochs": "3"}
    run(client, flowers, {}, same, objective=0.1, test_accuracy=0.9)
    for seed in range(3):
        run(
            client,
            houses,
            {},
            same
            | {
                "data.clip": f"{seed // 2}",
                "data.split.seed": f"{seed}",
                "seed": f"{seed}",
                "tracking.run_name": f"{seed}",
            },
            objective=2.0,
            test_rmse=3.0,
            loss=1.0,
        )
    run(client, houses, {"sweep": "seed=0,1"}, {"fit.epochs": "9"}, n_finished=2.0)
    address = f"/#/experiments/{houses}/runs?viewStateShareKey=pipeline&workflowType=machine_learning"
    assert (track.page_of_experiment(), track.page_of_experiment("houses")) == (address, address)
    columns = ["metrics.`objective`", "metrics.`test_rmse`", "params.`seed`", "params.`data.clip`"]
    assert view(client, houses, "pipeline") == {"selectedColumns": columns}
    assert f"/experiments/{flowers}/" in track.page_of_experiment("flowers")
    with pytest.raises(TrackingError, match="unknown experiment 'house'; did you mean houses"):
        track.page_of_experiment("house")


@pytest.mark.parametrize(("compared", "is_ascending"), [("val_rmse", True), ("val_r2", False)])
def test_a_sweep_shows_its_trials_best_first(client: MlflowClient, compared: str, is_ascending: bool) -> None:
    where = client.create_experiment(f"by {compared}")
    parent = run(client, where, {"sweep": "seed=0,1", "mlflow.runName": f"of-{compared}"}, {})
    run(client, where, {}, {"seed": "7"}, objective=2.0)
    for rate in ("0.1", "0.2"):
        tags = {"mlflow.parentRunId": parent, "objective": compared}
        run(client, where, tags, {"fit.learning_rate": rate, "seed": "0"}, objective=2.0, test_r2=0.5)
    address = f"/#/experiments/{where}/runs?viewStateShareKey={parent}&workflowType=machine_learning"
    assert (track.page_of_sweep(parent), track.page_of_sweep(f"of-{compared}")) == (address, address)
    assert view(client, where, parent) == {
        "selectedColumns": ["metrics.`objective`", "metrics.`test_r2`", "params.`fit.learning_rate`"],
        "searchFilter": f"tags.mlflow.parentRunId = '{parent}'",
        "orderByKey": "metrics.`objective`",
        "orderByAsc": is_ascending,
    }
    with pytest.raises(TrackingError, match="--sweep: unknown sweep 'nosuch'; known: of-val_"):
        track.page_of_sweep("nosuch")


def test_a_run_has_a_page_of_its_own(client: MlflowClient) -> None:
    where = client.create_experiment("single")
    run_id = run(client, where, {}, {}, objective=1.0)
    page = f"/#/experiments/{where}/runs/{run_id}?workflowType=machine_learning"
    assert track.page_of_run(run_id) == page
    with pytest.raises(TrackingError, match=r"run nosuch: .*not found; .* ui lists all runs"):
        track.page_of_run("nosuch")


def test_the_address_of_a_page_is_reported_only_where_it_is_known(
    client: MlflowClient, uri: str, tmp_path: Path
) -> None:
    run_id = run(client, client.create_experiment("reported"), {}, {})
    assert track.local_address(uri, track.page_of_run, run_id) == f"http://127.0.0.1:5000{track.page_of_run(run_id)}"
    assert track.local_address(uri, track.page_of_run, "nosuch") is None
    assert track.local_address("http://127.0.0.1:1", track.page_of_run, run_id) is None
    assert track.local_address(f"sqlite:///{tmp_path / 'x.db'}", track.page_of_run, run_id) is None
    assert not list(tmp_path.iterdir())
