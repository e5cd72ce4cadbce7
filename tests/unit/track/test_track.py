"""What a run leaves in MLflow, and where."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from optuna.storages import RDBStorage

from pipeline import TrackingError, TrainingError, data, load, run
from pipeline.config import from_yaml
from pipeline.track import connected, start
from pipeline.track.address import store_uri
from pipeline.track.simultaneous import retried
from pipeline.track.store import experiment_id
from pipeline.train import Result
from support.runs import FLOWERS, TUMOURS

CLASS_SCORES = {"accuracy", "log_loss", "roc_auc", "pr_auc", "f1_macro"}


@pytest.mark.parametrize(
    ("option", "scores", "pictures"),
    [
        pytest.param(
            "data=diabetes",
            {"rmse", "mae", "r2"},
            {"learning_curves", "predicted_vs_actual", "residuals"},
            marks=pytest.mark.slow,
        ),
        ("data=breast_cancer", CLASS_SCORES, {"learning_curves", "confusion_matrix", "roc"}),
        pytest.param("data=wine", CLASS_SCORES, {"learning_curves", "confusion_matrix", "roc"}, marks=pytest.mark.slow),
    ],
)
def test_a_run_logs_everything(
    trained_once: Callable[..., Result],
    epochs_of: Callable[[str], pd.DataFrame],
    store: str,
    option: str,
    scores: set[str],
    pictures: set[str],
) -> None:
    result = trained_once(option, *TUMOURS[1:])
    client = MlflowClient(store)
    found = client.get_run(result.run_id)

    assert found.info.status == "FINISHED"
    params = found.data.params
    assert (params["model.units"], params["fit.epochs"], params["seed"]) == ("[64, 64]", "2", "7")
    assert params["fit.clip_norm"] == "null"

    parts = ("train", "val", "test", "gap")
    assert {f"{part}_{name}" for part in parts for name in scores} == set(result.scores)
    assert {name: found.data.metrics[name] for name in result.scores} == pytest.approx(result.scores)
    assert found.data.metrics["objective"] == result.objective
    assert found.data.metrics["seconds/fit"] > 0
    assert found.data.metrics["network/n_parameters"] > 64 * 64
    assert found.data.metrics["training/best_epoch"] in (1, 2)
    assert found.data.metrics["export/difference"] <= 1e-5

    epochs = epochs_of(result.run_id)
    assert list(epochs.index) == [1, 2]
    assert {"loss", "val_loss", "learning_rate", "epoch_seconds"} < set(epochs.columns)
    assert not {name for name in epochs.columns if name in result.scores}

    assert found.data.tags["team"] == "blue"
    assert found.data.tags["device"]
    assert found.data.tags["version.keras"]
    assert {entry.tags[0].value for entry in found.inputs.dataset_inputs} == {"train", "val", "test"}
    entry = found.inputs.dataset_inputs[0].dataset
    assert json.loads(entry.profile)["num_rows"] == int(found.data.tags["n_rows_train"])

    artifacts = {entry.path for entry in client.list_artifacts(result.run_id)}
    assert artifacts >= {"config.yaml", "pictures", "saved_model"}
    drawn = {Path(entry.path).stem for entry in client.list_artifacts(result.run_id, "pictures")}
    assert drawn == pictures


def test_a_learning_rate_that_stays_is_logged_at_its_ends(
    trained: Callable[..., Result], epochs_of: Callable[[str], pd.DataFrame], store: str
) -> None:
    run_id = trained("data=iris", "fit.epochs=4", "fit.schedule=constant").run_id
    assert list(epochs_of(run_id)["learning_rate"].dropna().index) == [1, 4]
    config = load("data=iris", f"tracking.uri={store}")
    with start(config, data.load(config.data), about={}) as tracked:
        for epoch, rate in enumerate([0.1, 0.1, 0.1, 0.05, 0.05], start=5):
            tracked.log_epoch(epoch, {"loss": 1.0, "learning_rate": rate})
    logged = epochs_of(tracked.id)
    assert dict(logged["learning_rate"].dropna()) == {5: 0.1, 7: 0.1, 8: 0.05, 9: 0.05}
    assert list(logged["loss"]) == [1.0] * 5


def test_the_git_commit_is_logged(trained_once: Callable[..., Result], store: str) -> None:
    assert len(MlflowClient(store).get_run(trained_once(*FLOWERS).run_id).data.tags["git_commit"]) == 40


def test_artifacts_lie_beside_a_sqlite_store(trained_once: Callable[..., Result], store: str) -> None:
    folder = Path(store.removeprefix("sqlite:///")).parent
    assert Path(trained_once(*FLOWERS).model_path).is_relative_to(folder / "artifacts")


@pytest.mark.slow
def test_paths_with_blanks_and_accents(tmp_path: Path) -> None:
    result = run(load("data=iris", "fit.epochs=1", f"tracking.uri='sqlite:///{tmp_path}/a é/mlflow.db'"))
    assert (Path(result.model_path) / "saved_model.pb").is_file()


def test_logged_config_is_the_composed_one(trained_once: Callable[..., Result], store: str, tmp_path: Path) -> None:
    result = trained_once(*FLOWERS)
    mlflow.set_tracking_uri(store)
    path = mlflow.artifacts.download_artifacts(
        run_id=result.run_id, artifact_path="config.yaml", dst_path=str(tmp_path)
    )
    assert yaml.safe_load(Path(path).read_text())["model"]["units"] == [8]
    assert from_yaml(path) == load("fit.epochs=2", "baselines=[]", *FLOWERS, f"tracking.uri={store}")


@pytest.mark.parametrize(
    ("option", "columns"),
    [
        pytest.param("data=diabetes", ["prediction"], marks=pytest.mark.slow),
        pytest.param(
            "data=linnerud", [f"prediction_{k}" for k in ("Weight", "Waist", "Pulse")], marks=pytest.mark.slow
        ),
        ("data=breast_cancer", ["label", "probability_benign", "probability_malignant"]),
        pytest.param("data=digits", ["label", *(f"probability_{k}" for k in range(10))], marks=pytest.mark.slow),
    ],
)
def test_the_mlflow_model_predicts(
    trained_once: Callable[..., Result], store: str, option: str, columns: list[str]
) -> None:
    result = trained_once(option, *TUMOURS[1:])
    mlflow.set_tracking_uri(store)
    model = mlflow.pyfunc.load_model(f"runs:/{result.run_id}/model")
    rows = data.read_rows(load(option).data).take(np.arange(3))
    given = rows.inputs if option == "data=digits" else pd.DataFrame(rows.inputs)
    found = model.predict({"x": given["x"].astype(np.float64)} if option == "data=digits" else given)
    assert list(found.columns) == columns
    assert len(found) == 3
    assert found.shape == (3, len(model.metadata.get_output_schema().input_names()))


def test_the_config_key_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/environment.db")
    assert store_uri(load().tracking).endswith("environment.db")
    assert store_uri(load(f"tracking.uri=sqlite:///{tmp_path}/key.db").tracking).endswith("key.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert store_uri(load().tracking).endswith("mlruns/mlflow.db")


def test_a_run_leaves_the_environment_as_it_was(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    with connected(load(f"tracking.uri={store}").tracking):
        assert os.environ["MLFLOW_TRACKING_URI"] == store
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mlruns", "tracking.uri: mlruns is a folder, which MLflow 3 does not support as a store"),
        ("file:///tmp/mlruns", "is a folder"),
        ("sqlite:////proc/no/mlflow.db", "cannot be used"),
    ],
)
def test_stores_that_cannot_be(uri: str, message: str) -> None:
    with pytest.raises(TrackingError, match=message):
        run(load("data=iris", "fit.epochs=1", f"tracking.uri={uri}"))


def test_file_that_is_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database")
    with pytest.raises(TrackingError, match=r"notes.db .*file is not a database"):
        run(load("data=iris", "fit.epochs=1", f"tracking.uri=sqlite:///{tmp_path}/notes.db"))
    assert (tmp_path / "notes.db").read_text() == "no database"


def test_a_database_that_has_the_tables_of_a_study(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/study.db"
    RDBStorage(uri)
    with pytest.raises(TrackingError, match=r"tracking.uri: .* has another program's tables, .* name an empty data"):
        run(load("data=iris", "fit.epochs=1", f"tracking.uri={uri}"))


def test_deleted_experiment(trained: Callable[..., Result], store: str) -> None:
    with connected(tracking := load("tracking.experiment=doomed", f"tracking.uri={store}").tracking) as uri:
        MlflowClient(store).delete_experiment(experiment_id(tracking, uri))
    with pytest.raises(TrackingError, match="doomed was deleted"):
        trained("data=iris", "tracking.experiment=doomed")


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [(TrainingError("no good"), "FAILED", "TrainingError: no good"), (KeyboardInterrupt(), "KILLED", "interrupted")],
)
def test_a_run_that_does_not_finish_says_why(store: str, raised: BaseException, status: str, text: str) -> None:
    config = load("data=iris", f"tracking.uri={store}")
    dataset = data.load(config.data)
    opened = []
    with pytest.raises(type(raised)), start(config, dataset, about={}) as tracked:  # noqa: PT012
        opened.append(tracked.id)
        tracked.log_epoch(1, {"loss": 2.0})
        raise raised
    found = MlflowClient(store).get_run(opened[0])
    assert (found.info.status, found.data.tags["error"]) == (status, text)
    assert found.data.metrics["loss"] == 2  # what was known before the end is not lost


@pytest.mark.slow
def test_runs_get_names_of_their_own_though_everything_is_seeded(trained: Callable[..., Result], store: str) -> None:
    client = MlflowClient(store)
    names = {client.get_run(trained("data=iris", "fit.epochs=1").run_id).info.run_name for _ in range(3)}
    assert len(names) == 3


def test_runs_that_see_the_same_rows_first_at_the_same_moment(store: str) -> None:
    """As the first trials of a sweep in several processes do."""

    def sees(run_id: str, number: int) -> None:
        dataset = Dataset(name="rows", digest=str(number), source_type="local", source="{}", schema="{}", profile="{}")
        described = [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])]
        retried(lambda: MlflowClient().log_inputs(run_id, described))

    with connected(load(f"tracking.uri={store}").tracking), ThreadPoolExecutor(4) as pool:
        client = MlflowClient()
        runs = [client.create_run("0").info.run_id for _ in range(4)]
        for number in range(20):
            list(pool.map(sees, runs, [number] * 4))
        assert [len(client.get_run(run_id).inputs.dataset_inputs) for run_id in runs] == [20] * 4
