"""Launchers: what becomes of jobs, of workers that die, and of all that a sweep started when it ends."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, RunMode
from mlflow import MlflowClient
from omegaconf import DictConfig

from pipeline.config import CONF
from pipeline.sweep import launch
from support.places import ROOT

pytestmark = pytest.mark.slow


class StubbornError(Exception):
    """An error that can be pickled but not unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def task(config: DictConfig) -> Any:
    """Does what `tracking.tags.do` says; runs in a worker."""
    print("noise of a trial")
    match config.tracking.tags.get("do"):
        case "die":
            from pipeline import data, load, track

            own = load("data=iris", f"tracking.uri={config.tracking.uri}", "tracking.experiment=died")
            with track.start(own, data.load(own.data), about={}):
                os.kill(os.getpid(), signal.SIGKILL)
        case "stubborn":
            raise StubbornError("cannot", "travel")
        case "compact":
            logging.getLogger("task").error("job 3 failed: shown at once\non two lines")
            raise ValueError("an error of Python's own")
        case "lambda":
            return (value for value in ())
        case "environment":
            return {name: os.environ.get(name) for name in ("ASKED", "SET_BY_JOB", "OMP_NUM_THREADS")}
    return float(config.seed), os.getpid()


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., Any]:
    """A launcher as Hydra sets it up."""

    def prepare(*overrides: str) -> Any:
        launch.register()
        GlobalHydra.instance().clear()
        hydra = Hydra.create_main_hydra2("train", create_config_search_path(str(CONF)))
        words = [*overrides, "hydra/hydra_logging=none", f"hydra.sweep.dir={tmp_path}/${{now:sweep}}"]
        config = hydra.compose_config("config", words, run_mode=RunMode.MULTIRUN)
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
        launcher = Plugins.instance().instantiate_launcher(context, task, config)
        GlobalHydra.instance().clear()
        return launcher

    return prepare


def test_jobs_in_workers(
    prepared: Callable[..., Any], store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, caplog: Any
) -> None:
    """One sweep for all of it: the processes that it starts cost seconds."""
    launcher = prepared("hydra/launcher=local", "hydra.launcher.n_jobs=2", f"tracking.uri={store}")
    assert launcher.n_jobs == 2
    taken: list[int] = []

    def jobs() -> Iterator[tuple[int, list[str]]]:
        for number, what in enumerate(("value", "die", "stubborn", "compact", "lambda", "value", "environment")):
            taken.append(number)
            monkeypatch.setenv("ASKED", str(number))  # a sweep's parent run, say: known only after workers started
            yield (
                number,
                [
                    f"+tracking.tags.do={what}",
                    f"seed={number}",
                    f"tracking.uri={store}",
                    "+hydra.job.env_set.SET_BY_JOB=here",
                ],
            )

    caplog.set_level("INFO")
    found: dict[int, JobReturn] = {}
    with contextlib.closing(launcher.stream(jobs())) as ended:
        for number, ret in ended:
            found[number] = ret
            assert len(taken) - len(found) < 2  # the next is asked for only when this result is known

    assert [found[number].status.name for number in range(7)] == [
        "COMPLETED", "FAILED", "FAILED", "FAILED", "FAILED", "COMPLETED", "COMPLETED"
    ]  # fmt: skip
    (first, pid), (fifth, _) = found[0].return_value, found[5].return_value
    assert (first, fifth) == (0.0, 5.0)
    assert found[6].return_value["ASKED"] == "6"
    assert found[6].return_value["SET_BY_JOB"] == "here"
    assert found[6].return_value["OMP_NUM_THREADS"] == str(launcher._shares[0].threads)
    for number, kind, text in (
        (1, None, "its worker process was killed by SIGKILL, probably because memory ran out"),
        (2, None, "StubbornError: cannot travel"),
        (3, ValueError, "an error of Python's own"),
        (4, None, "returned a value that cannot be sent to another process"),
    ):
        with pytest.raises(kind or launch.JobError, match=text):
            _ = found[number].return_value
    assert [line for line in caplog.messages if line.startswith("#3")] == [
        "#3 failed: shown at once", "#3 on two lines", next(line for line in caplog.messages if "#3 failed, " in line)
    ]  # fmt: skip

    (left,) = MlflowClient(store).search_runs(experiments(store, "died"))
    assert left.info.status == "FAILED"
    assert left.data.tags["error"].startswith("its worker process was killed by SIGKILL")
    assert (tmp_path / "sweep" / "0" / "output.log").read_text() == "noise of a trial\n"
    assert (tmp_path / "sweep" / "5" / ".hydra" / "overrides.yaml").is_file()
    assert "noise" not in capfd.readouterr().out
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def experiments(store: str, name: str) -> list[str]:
    found = MlflowClient(store).get_experiment_by_name(name)
    assert found is not None
    return [found.experiment_id]


@pytest.fixture
def sweeping(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A sweep of two endless trials that train, by the command line, and all processes it started."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline", "train", "-m", "seed=0,1,2", "fit.epochs=100000",
         "fit.early_stopping.patience=null", "hydra/launcher=local", "hydra.launcher.n_jobs=2",
         f"tracking.uri=sqlite:///{tmp_path}/mlflow.db", f"hydra.sweep.dir={tmp_path}/sweep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    started: list[psutil.Process] = []
    try:
        outputs = [tmp_path / "sweep" / name / "output.log" for name in ("0", "1")]
        while not all(path.exists() and "epoch 3/" in path.read_text() for path in outputs):
            assert process.poll() is None, process.communicate()
            time.sleep(0.2)
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) == 5  # the server, two workers, and what brings the runs of each to the store
        yield process, started
    finally:
        for one in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.kill()
        process.communicate()


def remaining(started: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that run after a while. A zombie has ended: in a container, what adopts it may be slow to collect it."""
    _, others = psutil.wait_procs(started, timeout=seconds)
    return [one for one in others if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_ctrl_c_ends_all_workers_and_closes_their_runs(
    sweeping: tuple[subprocess.Popen[str], list[psutil.Process]], tmp_path: Path
) -> None:
    process, started = sweeping
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it, to all of a group
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, out + err
    assert "Traceback" not in out + err
    assert remaining(started, seconds=1) == []
    runs = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs(["1"])
    assert [one.info.status for one in runs] == ["KILLED"] * 3  # the parent, and two of the three trials
    assert [one.data.tags["error"] for one in runs if "error" in one.data.tags] == ["interrupted"] * 2


@pytest.mark.slow
def test_the_end_of_the_leading_process_is_the_end_of_all(
    sweeping: tuple[subprocess.Popen[str], list[psutil.Process]], tmp_path: Path
) -> None:
    process, started = sweeping
    process.kill()
    process.wait()
    assert remaining(started, seconds=60) == []
    runs = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs(["1"])
    assert sorted(one.info.status for one in runs) == ["KILLED", "KILLED", "RUNNING"]
    (parent,) = [one for one in runs if "sweep" in one.data.tags]
    assert parent.info.status == "RUNNING"
