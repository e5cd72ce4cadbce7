"""The command line of training, as users start it and as it ends."""

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.train import Result
from support.places import ROOT
from support.typed import Typed


def command(*arguments: str, store: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user does, in a process of its own."""
    folder = Path(store.removeprefix("sqlite:///")).parent
    where = [f"tracking.uri={store}", f"hydra.run.dir={folder}/hydra", f"hydra.sweep.dir={folder}/sweep"]
    line = [sys.executable, "-m", "pipeline", "train", *arguments, *where]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)


def test_the_command_line_ends_with_scores_and_places(store: str) -> None:
    ended = command("data=iris", "fit.epochs=2", "tracking.tags={team: blue}", store=store)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    for line in ("epoch 2/2  loss", "accuracy", "log_loss", "run  ", "SavedModel  ", f"store             {store}"):
        assert line in ended.stdout
    found = {
        line.split()[0]: line.split()[-1] for line in ended.stdout.splitlines() if line.startswith(("SavedM", "run "))
    }
    assert MlflowClient(store).get_run(found["run"]).data.tags["team"] == "blue"  # a key that no file has
    path = found["SavedModel"]
    assert (Path(path) / "saved_model.pb").is_file()
    assert f"predict {found['run']} new.csv predictions.csv --uri {store}" in ended.stdout
    assert "try next          fit.epochs=4: the last epoch was the best" in ended.stdout


def test_a_users_mistake_is_a_message_and_exit_code_1(store: str) -> None:
    """One that shows when the file is looked for; those that the config shows are reported before, see below."""
    ended = command("data=plain_table", "data.path=nowhere.csv", "data.target=y", store=store)
    assert ended.returncode == 1
    assert "data.path: file nowhere.csv does not exist" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.slow
def test_the_last_line_of_init_trains(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("a,b,price\n" + "".join(f"{n},{n % 7},{n * 1.5}\n" for n in range(60)))
    python, environment = Path(sys.executable), os.environ | {"PYTHONPATH": str(ROOT)}
    words = ["-m", "pipeline", "init", "my.csv"]
    made = subprocess.run([python, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    first, *line = shlex.split(made.stdout.splitlines()[-1])
    assert first == "python"
    own = ["fit.epochs=1", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db", f"hydra.run.dir={tmp_path}/hydra"]
    ended = subprocess.run(
        [python, *line, *own], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "SavedModel  " in ended.stdout


@pytest.mark.slow
def test_a_sweep_nests_its_runs_and_survives_a_job_that_fails(store: str) -> None:
    ended = command(
        "-m", "data=iris", "fit.epochs=2", "fit.learning_rate=0.01,1e30,0.001", "fit.optimizer=sgd",
        "tracking.experiment=swept", store=store,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout  # one of the three jobs failed
    assert "Traceback" not in ended.stderr + ended.stdout
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("swept")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [one for one in runs if "sweep" in one.data.tags]
    children = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(one.info.status for one in children) == ["FAILED", "FINISHED", "FINISHED"]
    done = [one for one in children if one.info.status == "FINISHED"]
    best = min(done, key=lambda one: one.data.metrics["val_log_loss"])
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["best_run_id"] == best.info.run_id
    assert parent.data.metrics["best_objective"] == best.data.metrics["val_log_loss"]
    assert parent.data.metrics["n_failed"] == 1
    assert all("the training loss became" in one.data.tags["error"] for one in children if one not in done)
    assert best.info.run_id in ended.stdout
    lines = [line for line in ended.stdout.splitlines() if re.match(r"\d/3  ", line)]
    words = ["fit.learning_rate=0.01", "fit.learning_rate=1e+30", "fit.learning_rate=0.001"]
    assert [line.split("  ")[1] for line in lines] == words
    assert [line.split("  ")[2].split(" ")[0] for line in lines] == ["objective", "failed;", "objective"]
    assert {one.info.run_name for one in children} == set(words)
    assert "epoch 1/2" not in ended.stdout
    assert ended.stdout.count("data iris: ") == 1  # what is the same for all of them


@pytest.mark.slow
def test_a_run_is_repeated_from_what_it_logged(
    trained: Callable[..., Result], typed: Typed, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = trained("data=diabetes", "model.units=[7]", "seed=3")
    capsys.readouterr()  # what that printed
    code, out, err = typed("rerun", first.run_id, "--uri", store)
    assert code == 0, err
    run_id = next(line.split()[-1] for line in out.splitlines() if line.startswith("run  "))
    again = MlflowClient(store).get_run(run_id)
    assert {name: again.data.metrics[name] for name in first.scores} == first.scores
    assert again.data.tags["rerun_of"] == first.run_id


@pytest.mark.slow
def test_a_signal_between_a_sweeps_jobs_closes_the_parent(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline", "train", "-m", "seed=0,1",
         f"tracking.uri={store}", f"hydra.sweep.dir={tmp_path}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if "loading TensorFlow" in line)  # the first job imports TensorFlow now
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, out + err
    assert [one.info.status for one in MlflowClient(store).search_runs(["1"])] == ["KILLED"]


@pytest.mark.slow
def test_rerun_of_a_run_that_is_not_there(typed: Typed, store: str) -> None:
    code, _, err = typed("rerun", "0" * 32, "--uri", store)
    assert code == 1
    assert "its config.yaml cannot be fetched" in err
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "text", "mode"),
    [(signal.SIGINT, "interrupted", ["seed=0"]), (signal.SIGTERM, "terminated", ["-m", "seed=0,1"])],
    ids=["run", "sweep"],
)
def test_a_signal_ends_runs_as_killed(tmp_path: Path, number: int, text: str, mode: list[str]) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline", "train", *mode, "fit.epochs=100000",
         "fit.early_stopping.patience=null",
         f"tracking.uri={store}", f"hydra.run.dir={tmp_path}/hydra", f"hydra.sweep.dir={tmp_path}/sweep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch "):  # in a sweep after 20 s
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in out + err
    runs = MlflowClient(store).search_runs(["1"])
    assert {one.info.status for one in runs} == {"KILLED"}
    assert [one.data.tags["error"] for one in runs if "error" in one.data.tags] == [text]


def test_config_mistakes_are_reported_in_less_than_two_seconds(store: str) -> None:
    """Of a processor's time, which does not depend on what else runs: seconds on an idle machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = command("fit.pateince=3", "model.unit=4", store=store)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.returncode == 1
    assert "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


@pytest.mark.slow
def test_a_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """Carries conf/ and the mark of its types, takes a user's own files, keeps its runs in the current directory."""
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
    assert (site / "pipeline" / "py.typed").is_file()
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", "train", "--config-dir", str(tmp_path / "own"), "experiment=mine"],
        env=os.environ | {"PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()
    assert str(tmp_path / "mlruns") in ended.stdout
