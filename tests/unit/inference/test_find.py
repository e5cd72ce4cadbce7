"""Models are found by whatever names them, and what is not found is answered with the nearest."""

import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from pipeline import LoadedModel, ModelError, load, load_model, run
from pipeline.inference.locate import resolve
from pipeline.train import Result


@pytest.fixture(scope="module")
def flowers(store: str) -> tuple[str, Result]:
    """A store with a run that is registered under an alias, and a worse one of the same experiment."""
    result = run(load("data=iris", "fit.epochs=1", "tracking.experiment=flowers", f"tracking.uri={store}"))
    client = MlflowClient(store)
    worse = client.create_run(
        client.get_experiment_by_name("flowers").experiment_id, tags={"objective": "val_log_loss"}
    )
    client.log_metric(worse.info.run_id, "objective", result.objective + 1)
    for key in ("data.name", "data.target"):
        client.log_param(worse.info.run_id, key, client.get_run(result.run_id).data.params[key])
    client.set_terminated(worse.info.run_id, "FINISHED")
    client.create_registered_model("iris-flowers")
    client.create_model_version("iris-flowers", f"runs:/{result.run_id}/saved_model", result.run_id)
    client.set_registered_model_alias("iris-flowers", "champion", "1")
    return store, result


def test_every_way_to_name_a_model(
    flowers: tuple[str, Result], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, first = flowers
    for reference in (
        first.run_id, f"runs:/{first.run_id}", f"runs:/{first.run_id}/saved_model", "models:/iris-flowers@champion",
        "models:/iris-flowers/1", "models:/iris-flowers/latest",
    ):  # fmt: skip
        found = resolve(reference, store)
        assert (found.run_id, found.path) == (first.run_id, Path(first.model_path))
        registered = reference.startswith("models:")
        assert (found.name, found.version) == (("iris-flowers", "1") if registered else ("flowers", None))
    with caplog.at_level("INFO"):
        assert resolve("best:flowers", store).run_id == first.run_id
    assert f"({first.run_id}), val_log_loss" in caplog.text  # for the server and callers in Python
    assert "; first of 2 configurations, 2 runs" in caplog.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert resolve(first.run_id).path == Path(first.model_path)


def test_the_mlflow_model_of_a_run_and_of_a_version(flowers: tuple[str, Result]) -> None:
    store, first = flowers
    mlflow.set_tracking_uri(store)
    version = mlflow.register_model(f"runs:/{first.run_id}/model", "logged").version
    for reference in (f"runs:/{first.run_id}/model", f"models:/logged/{version}"):
        found = resolve(reference, store)
        assert found.run_id == first.run_id
        assert (found.path / "saved_model.pb").is_file()


def test_a_model_is_loaded_by_its_name(flowers: tuple[str, Result]) -> None:
    store, first = flowers
    model = load_model("models:/iris-flowers@champion", tracking_uri=store)
    assert isinstance(model, LoadedModel)
    assert model.manifest.run_id == first.run_id
    assert model.predict(model.manifest.example)["label"].shape == (len(next(iter(model.manifest.example.values()))),)


def test_folders(flowers: tuple[str, Result], tmp_path: Path) -> None:
    source = flowers[1].model_path
    for version in ("2", "10", "10x"):
        shutil.copytree(source, tmp_path / "houses" / version)
    shutil.copytree(source, tmp_path / "mlflow" / "artifacts" / "saved_model")
    assert resolve(source).path == Path(source)
    assert resolve(str(tmp_path / "houses")).path == tmp_path / "houses" / "10"
    assert resolve(str(tmp_path / "houses")).name == "houses"
    assert resolve(str(tmp_path / "mlflow")).path == tmp_path / "mlflow" / "artifacts" / "saved_model"


def test_what_is_not_there_is_answered_with_the_nearest(flowers: tuple[str, Result], tmp_path: Path) -> None:
    store, first = flowers
    (tmp_path / "model.pkl").write_bytes(b"")
    for reference, message in (
        (first.run_id[:8], rf"no such folder or run; the nearest runs: {first.run_id} \(.*, flowers\)"),
        ("nowhere", r"nowhere: no such folder or run; .* A model is a run id, runs:/ID, models:/NAME@ALIAS"),
        ("models:/iris-flower@champion", "unknown registered model 'iris-flower'; the nearest: iris-flowers"),
        ("models:/iris-flowers@champ", r"has no alias 'champ'; aliases: champion \(version 1\); versions: 1"),
        ("models:/iris-flowers/7", r"has no version '7'; aliases: champion \(version 1\); versions: 1"),
        ("models:/iris-flowers", r"needs @ALIAS or /VERSION; aliases: champion"),
        ("models:/a/b/c", "must be models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("best:flower", r"best:flower: unknown experiment 'flower'; did you mean flowers\?"),
        ("best:Default", "none of its runs finished with a validation objective"),
        (f"runs:/{first.run_id}/pictures", r"contains no SavedModel .* Pickled models are not loaded"),
        (str(tmp_path), r"contains no SavedModel .* Pickled models are not loaded"),
        (str(tmp_path / "model.pkl"), "is a file; a model is a run id"),
    ):
        with pytest.raises(ModelError, match=message):
            resolve(reference, store)


def test_a_run_without_a_model_says_why(flowers: tuple[str, Result], store: str) -> None:
    client = MlflowClient(store)
    experiment = client.create_experiment("without models")

    def made(status: str, **tags: str) -> str:
        run_id = client.create_run(experiment, tags=tags).info.run_id
        if status != "RUNNING":
            client.set_terminated(run_id, status)
        return run_id

    for run_id, message in (
        (made("FINISHED", best_run_id="abc"), "has no model: it is a sweep; its best run is abc"),
        (made("RUNNING"), "has no model: it is still running"),
        (made("FAILED", error="TrainingError: loss is NaN"), r"it ended as FAILED \(TrainingError: loss is NaN\)"),
        (made("KILLED"), "it ended as KILLED$"),
        (made("FINISHED"), "it finished without an artifact 'saved_model'"),
        (made("FINISHED", fold="3", **{"mlflow.parentRunId": "abc"}), "it finished without an artifact"),  # not of tune
        (made("FINISHED", fold="3", tuned_number="1"), "it finished without an artifact"),
        (
            made("FINISHED", fold="3", tuned_number="1", **{"mlflow.parentRunId": "abc"}),
            "it is a fold of `tune`; the model is in run abc",
        ),
    ):
        with pytest.raises(ModelError, match=message):
            resolve(run_id, store)


def test_objectives_that_do_not_compare_are_distinguished(store: str) -> None:
    client = MlflowClient(store)
    experiment = client.create_experiment("mixed")
    best = {}
    for name, values in (("val_rmse", (2.0, 1.0, float("nan"))), ("val_accuracy", (0.5, 0.9))):
        for value in values:
            run_id = client.create_run(experiment, tags={"objective": name}).info.run_id
            client.log_metric(run_id, "objective", value)
            client.set_terminated(run_id, "FINISHED")
            best[value] = run_id
    with pytest.raises(
        ModelError, match=f"name one of the best by its id: by val_accuracy {best[0.9]}; by val_rmse {best[1.0]}$"
    ):
        resolve("best:mixed", store)
