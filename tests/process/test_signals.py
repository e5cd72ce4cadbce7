"""SIGTERM, Ctrl-C and SIGHUP at any moment: the run is KILLED within five seconds, and nothing is cut in two."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from support.forked import Ended, Forking, forking

N_INSTANTS = int(os.environ.get("PIPELINE_SIGNALS", "2"))  # of each kind; a hundred take a quarter of an hour
MAX_SECONDS = 5.0
SHORT_EPOCHS = (  # of about 2 ms
    "data=digits", "model.units=[8]", "fit.epochs=1000000", "fit.early_stopping.patience=null", "fit.checkpoint=false",
    "fit.execution=compiled", "baselines=[]",
)  # fmt: skip
CALLS = ("create_run", "log_batch", "log_inputs", "log_artifact", "create_logged_model", "update_run_info")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    with forking(tmp_path_factory.mktemp("forked")) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signals")


def places(folder: Path, experiment: str) -> list[str]:
    store = f"tracking.uri=sqlite:///{folder}/mlflow.db"
    return [store, f"tracking.experiment={experiment}", f"hydra.run.dir={folder}/hydra"]


def check(folder: Path, experiment: str, ended: Ended, number: int, word: str) -> None:
    """That a run was closed, in time, and that nothing is left locked."""
    assert ended.code == 128 + number or (experiment in CALLS and ended.code == 0), ended.output
    assert ended.seconds < MAX_SECONDS, ended.output
    assert "Traceback" not in ended.output
    assert "Exception ignored" not in ended.output
    with sqlite3.connect(folder / "mlflow.db", timeout=0) as store:
        store.execute("BEGIN IMMEDIATE")
    store.close()
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    run = client.search_runs([found.experiment_id])[0]
    if experiment in CALLS and run.info.status == "FINISHED":  # calls are made beside the run, which may have ended
        assert "error" not in run.data.tags
        return
    assert (run.info.status, run.data.tags["error"]) == ("KILLED", word), ended.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "said"),
    [("true", "starts over; without fit.resume=off it resumes after epoch "), ("false", "starts over: ")],
)
def test_ctrl_c_ends_with_what_the_same_command_does(process: Forking, folder: Path, kept: str, said: str) -> None:
    training = process.start(*SHORT_EPOCHS, f"fit.checkpoint={kept}", "fit.resume=off", *places(folder, "reported"))
    training.wait_for("epoch 3/")
    time.sleep(3)  # in which a checkpoint is due, where there are any
    ended = training.signal(signal.SIGINT)
    assert ended.code == 130
    assert f"interrupted; the same command {said}" in ended.output
    (again,) = re.findall(
        r"^resume with       \S*python -m pipeline train data=digits (.*)", ended.output, re.MULTILINE
    )
    assert "fit.resume=off" not in again
    assert again.endswith(" fit.resume=auto")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "word"),
    [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted"), (signal.SIGHUP, "hung up")],
    ids=["term", "int", "hup"],
)
def test_at_random_instants_of_short_epochs(process: Forking, folder: Path, number: int, word: str) -> None:
    chance = np.random.default_rng(number)
    for _ in range(N_INSTANTS):
        training = process.start(*SHORT_EPOCHS, *places(folder, word.replace(" ", "_")))
        training.wait_for("epoch 3/")
        time.sleep(chance.uniform(0, 3))
        check(folder, word.replace(" ", "_"), training.signal(number), number, word)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_within_each_kind_of_store_call(process: Forking, folder: Path, call: str) -> None:
    chance = np.random.default_rng(0)
    words = ["data=iris", "model.units=[8]", "fit.epochs=3", "baselines=[]", "fit.execution=graph"]
    for _ in range(N_INSTANTS):
        number = int(chance.choice([signal.SIGTERM, signal.SIGINT]))
        told, after = folder / f"{call}.told", float(chance.uniform(0, 0.01))
        told.unlink(missing_ok=True)
        training = process.start(*words, *places(folder, call), at=call, after=after, number=number, told=str(told))
        ended = training.end(0)
        since = float(told.read_text()) if told.exists() else time.monotonic()  # it may have ended before
        ended = ended._replace(seconds=time.monotonic() - since)
        word = "terminated" if number == signal.SIGTERM else "interrupted"
        check(folder, call, ended, number, word)


@pytest.mark.slow
def test_a_signal_that_nohup_keeps_away_stays_away(tmp_path: Path) -> None:
    """As the shell's `nohup` starts a command."""
    code = (
        "import os, signal\nfrom pipeline.commands.ending import ends_tidily\n"
        "with ends_tidily():\n    os.kill(os.getpid(), signal.SIGHUP)\n    print('goes on')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "goes on\n"), ended.stderr
