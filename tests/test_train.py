"""The story itself, and the command line around it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from mlflow import MlflowClient

from pipeline import ConfigError, TrainingError, data, load, run
from pipeline.train import Result

ROOT = Path(__file__).parents[1]


def command(*arguments: str, store: str, module: str = "train") -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user does, in a process of its own."""
    folder = Path(store.removeprefix("sqlite:///")).parent
    where = [f"tracking.uri={store}", f"hydra.run.dir={folder}/hydra", f"hydra.sweep.dir={folder}/sweep"]
    line = [sys.executable, "-m", f"pipeline.{module}", *arguments, *(where if module == "train" else ["--uri", store])]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)


FILES = {
    "ames_housing": "ames_housing/AmesHousing.csv",
    "auto_mpg": "auto_mpg/auto-mpg.data",
    "bike_sharing_hour": "bike_sharing_hour/hour.csv",
    "california_housing_text": "california_housing_text/housing.csv",
    "energy_efficiency": "energy_efficiency/energy.csv",
    "parkinsons_telemonitoring": "parkinsons_telemonitoring/parkinsons_updrs.tsv",
    "penguins": "penguins/penguins.csv",
    "titanic": "titanic/train.csv",
}


EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
IN_A_MOMENT = ("breast_cancer", "titanic")  # the others have many rows or columns


@pytest.mark.parametrize(
    "experiment",
    [name if name in IN_A_MOMENT else pytest.param(name, marks=pytest.mark.slow) for name in EXPERIMENTS],
)
def test_every_experiment_runs(
    trained: Callable[..., Result], real_data: Callable[[str], Path], tmp_path: Path, experiment: str
) -> None:
    more = {
        "california": lambda: [
            f"data.path={real_data('california_housing/california_sklearn.csv')}",
            f"data.split.path={real_data('splits/california.npz')}",
        ],
        "mnist_mlp": lambda: [f"data.path={small_mnist(tmp_path)}", "data.split.val_fraction=0.2"],
        "breast_cancer": list,
        "adult": lambda: [
            f"data.path={real_data('adult/adult.data')}",
            f"data.split.test_path={real_data('adult/adult.test')}",
            f"data.split.path={real_data('splits/adult.npz')}",
        ],
    }.get(experiment, lambda: [f"data.path={real_data(FILES[experiment])}"] if experiment in FILES else [])()
    result = trained(f"experiment={experiment}", "fit.epochs=1", *more)
    assert np.isfinite(list(result.scores.values())).all()
    assert (Path(result.model_path) / "saved_model.pb").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("titanic/train.csv", "Survived"),
        ("penguins/penguins.csv", "species"),
        ("california_housing_text/housing.csv", "median_house_value"),
        ("ames_housing/AmesHousing.csv", "SalePrice"),
    ],
)
def test_a_table_needs_a_path_and_a_target(
    trained: Callable[..., Result], real_data: Callable[[str], Path], path: str, target: str
) -> None:
    result = trained("data=table", f"data.path={real_data(path)}", f"data.target={target}")
    assert np.isfinite(list(result.scores.values())).all()


def small_mnist(folder: Path) -> Path:
    """200 images in the format of the real file."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (250, 28, 28), np.uint8), np.arange(250, dtype=np.uint8) % 10
    np.savez(folder / "mnist.npz", x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    return folder / "mnist.npz"


@pytest.mark.parametrize(
    "overrides",
    [
        ["data=diabetes", "model=linear", "fit=gradient_descent"],
        [
            "data=linnerud",
            "model=dense_regularized",
            "fit=sgd",
            "data.output_scaling=minmax",
            "model.output_activation=sigmoid",
        ],
        ["data=breast_cancer", "fit.class_weight=balanced", "objective=val_pr_auc", "data.input_scaling=robust"],
        ["data=iris", "fit.devices=[CPU:0,CPU:1]", "model.batch_norm=true", "fit.batch_size=7"],
        ["data=digits", "data.input_scaling={shift:8,scale:8}", "fit.optimizer=muon", "fit.schedule=cosine"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_stages_go_together(trained: Callable[..., Result], overrides: list[str]) -> None:
    result = trained(*overrides)
    assert np.isfinite(list(result.scores.values())).all()
    assert result.objective in result.scores.values()


def predictions(result: Result, frame: pd.DataFrame) -> np.ndarray:
    loaded = tf.saved_model.load(result.model_path)
    return loaded.serve({name: tf.constant(frame[name]) for name in ("a", "b", "weight")})["prediction"].numpy()


@pytest.mark.slow
def test_same_seed_same_model_bit_by_bit(trained: Callable[..., Result], regression_table: Path) -> None:
    options = [
        "data=table",
        f"data.path={regression_table}",
        "data.target=y",
        "model.dropout=0.2",
        "model.batch_norm=true",
    ]
    frame = pd.read_csv(regression_table)
    first, second = (predictions(trained(*options), frame) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, predictions(trained(*options, "seed=1", "data.split.seed=0"), frame))


def test_nothing_that_is_fitted_knows_the_test_rows(
    trained: Callable[..., Result], regression_table: Path, tmp_path: Path
) -> None:
    frame, spoiled = pd.read_csv(regression_table), pd.read_csv(regression_table)
    spoiled.loc[80:] = np.random.default_rng(9).normal(1e4, 1e5, spoiled.loc[80:].shape)
    spoiled.to_csv(tmp_path / "spoiled.csv", index=False)
    np.savez(tmp_path / "split.npz", train=np.arange(60), val=np.arange(60, 80), test=np.arange(80, 100))
    options = ["data=table", "data.target=y", f"data.split.path={tmp_path / 'split.npz'}"]
    clean = trained(*options, f"data.path={regression_table}")
    other = trained(*options, f"data.path={tmp_path / 'spoiled.csv'}")
    np.testing.assert_array_equal(predictions(clean, frame), predictions(other, frame))
    assert clean.scores["val_rmse"] == other.scores["val_rmse"]
    assert clean.scores["test_rmse"] != other.scores["test_rmse"]


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "log1p", "yeo_johnson"])
def test_scaling_knows_training_rows_only(regression_table: Path, tmp_path: Path, scaling: str) -> None:
    spoiled = pd.read_csv(regression_table)
    spoiled.loc[60:] = 1e6
    spoiled.to_csv(tmp_path / "spoiled.csv", index=False)
    np.savez(tmp_path / "split.npz", train=np.arange(60), val=np.arange(60, 80), test=np.arange(80, 100))
    fitted = []
    for path in (regression_table, tmp_path / "spoiled.csv"):
        config = load(
            "data=table", f"data.path={path}", "data.target=y", f"data.split.path={tmp_path / 'split.npz'}",
            f"data.input_scaling={scaling}", f"data.output_scaling={scaling}",
        ).data  # fmt: skip
        rows = data.load(config)
        fitted.append(data.fit_preprocessing(rows.take(data.split(rows, config.split).train), config))
    assert fitted[0].inputs == fitted[1].inputs
    assert fitted[0].outputs.chains == fitted[1].outputs.chains


def test_weights_that_are_finite_but_predictions_that_are_not(
    trained: Callable[..., Result], regression_table: Path
) -> None:
    options = ["fit.optimizer=sgd", "fit.learning_rate=1e25", "fit.batch_size=full", "fit.early_stopping.patience=null"]
    with pytest.raises(TrainingError, match=r"predictions for .* train rows are not finite|weights are not finite"):
        trained("data=table", f"data.path={regression_table}", "data.target=y", "fit.epochs=1", *options)


def test_objective_is_the_score_it_names(trained: Callable[..., Result]) -> None:
    result = trained("data=iris", "objective=val_accuracy")
    assert result.objective == result.scores["val_accuracy"]


def test_output_activation_that_does_not_suit_the_data(trained: Callable[..., Result]) -> None:
    with pytest.raises(ConfigError, match=r"model.output_activation: tanh does not go with a multiclass task"):
        trained("data=iris", "model.output_activation=tanh")


def test_the_command_line_ends_with_scores_and_places(store: str) -> None:
    ended = command("data=iris", "fit.epochs=2", store=store)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    for line in ("epoch 2/2  loss", "accuracy", "log_loss", "run  ", "SavedModel  ", f"store             {store}"):
        assert line in ended.stdout
    path = next(line.split()[-1] for line in ended.stdout.splitlines() if line.startswith("SavedModel"))
    assert (Path(path) / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit.pateince=3", "model.unit=4"], "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?"),
        (["data=table", "data.path=nowhere.csv", "data.target=y"], "data.path: there is no file nowhere.csv"),
    ],
)
def test_a_users_mistake_is_a_message_and_exit_code_1(store: str, arguments: list[str], message: str) -> None:
    ended = command(*arguments, store=store)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_a_sweep_nests_its_runs_and_survives_a_job_that_fails(store: str) -> None:
    ended = command(
        "-m", "data=iris", "fit.epochs=1,2", "fit.learning_rate=0.01,1e30", "fit.optimizer=sgd",
        "tracking.experiment=swept", store=store,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout  # two of the four jobs failed
    assert "Traceback" not in ended.stderr + ended.stdout
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("swept")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [one for one in runs if "sweep" in one.data.tags]
    children = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(one.info.status for one in children) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    done = [one for one in children if one.info.status == "FINISHED"]
    best = min(done, key=lambda one: one.data.metrics["val_log_loss"])
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["best_run_id"] == best.info.run_id
    assert parent.data.metrics["best_objective"] == best.data.metrics["val_log_loss"]
    assert parent.data.metrics["n_failed"] == 2
    assert all("the training loss became" in one.data.tags["error"] for one in children if one not in done)
    assert best.info.run_id in ended.stdout


@pytest.mark.slow
def test_a_run_is_repeated_from_what_it_logged(trained: Callable[..., Result], store: str) -> None:
    first = trained("data=diabetes", "model.units=[7]", "seed=3")
    ended = command(first.run_id, store=store, module="rerun")
    assert ended.returncode == 0, ended.stderr
    run_id = next(line.split()[-1] for line in ended.stdout.splitlines() if line.startswith("run  "))
    again = MlflowClient(store).get_run(run_id)
    assert {name: again.data.metrics[name] for name in first.scores} == first.scores
    assert again.data.tags["rerun_of"] == first.run_id


@pytest.mark.slow
def test_a_signal_between_a_sweeps_jobs_closes_the_parent(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline.train", "-m", "seed=0,1",
         f"tracking.uri={store}", f"hydra.sweep.dir={tmp_path}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if "#0 :" in line)  # the first job imports TensorFlow now
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, out + err
    assert [one.info.status for one in MlflowClient(store).search_runs(["1"])] == ["KILLED"]


@pytest.mark.slow
def test_rerun_of_a_run_that_is_not_there(store: str) -> None:
    ended = command("0" * 32, store=store, module="rerun")
    assert ended.returncode == 1
    assert "its config.yaml cannot be fetched" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "text"), [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")])
@pytest.mark.parametrize("mode", [["seed=0"], ["-m", "seed=0,1"]], ids=["run", "sweep"])
def test_a_signal_ends_runs_as_killed(tmp_path: Path, number: int, text: str, mode: list[str]) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline.train", *mode, "fit.epochs=100000", "fit.early_stopping.patience=null",
         f"tracking.uri={store}", f"hydra.run.dir={tmp_path}/hydra", f"hydra.sweep.dir={tmp_path}/sweep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 3/"):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in out + err
    runs = MlflowClient(store).search_runs(["1"])
    assert {one.info.status for one in runs} == {"KILLED"}
    assert [one.data.tags["error"] for one in runs if "error" in one.data.tags] == [text]


@pytest.mark.slow
def test_config_mistakes_are_told_in_less_than_two_seconds(store: str) -> None:
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        assert command("fit.pateince=3", store=store).returncode == 1
        times.append(time.perf_counter() - begin)
    assert min(times) < 2


@pytest.mark.slow
def test_a_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """Carries conf/, takes a user's own files, and keeps its runs in the current directory."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ndefaults: [override /data: iris]\nfit: {epochs: 1}\n")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline.train", "--config-dir", str(tmp_path / "own"), "experiment=mine"],
        env=os.environ | {"PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()
    assert str(tmp_path / "mlruns") in ended.stdout


@pytest.mark.slow
def test_mnist_reaches_the_classic_accuracy(store: str, real_data: Callable[[str], Path]) -> None:
    path = real_data("mnist/mnist.npz")
    accuracies = [
        run(load("experiment=mnist_mlp", f"data.path={path}", f"seed={seed}", f"tracking.uri={store}")).scores[
            "test_accuracy"
        ]
        for seed in (0, 1, 2)
    ]
    assert np.mean(accuracies) >= 0.974


@pytest.mark.slow
def test_california_comes_near_the_published_mlp(store: str, real_data: Callable[[str], Path]) -> None:
    path, split = real_data("california_housing/california_sklearn.csv"), real_data("splits/california.npz")
    config = load("experiment=california", f"data.path={path}", f"data.split.path={split}", f"tracking.uri={store}")
    assert run(config).scores["test_rmse"] <= 0.52
