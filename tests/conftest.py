"""What every test may use: one store, real data, small tables. It imports nothing that takes long.

Folders whose tests need TensorFlow have a conftest of their own, which imports it with two virtual CPUs.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pipeline
from support.places import DATA

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.train import Result

SMALL = ("fit.epochs=2", "baselines=[]")
pytest_plugins = ["support.kinds", "support.streaming", "support.typed"]  # fixtures that several modules share

# A shell has what it starts in the background ignore Ctrl-C, and `nohup` the end of its terminal: so would this process
# and all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# As in an environment that is activated: there what is printed to paste begins with `python -m pipeline`.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

FEW_FILES = 4  # which one process has tested before two more have started


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes, or this one alone for a few files: each imports TensorFlow for itself."""
    asked = [Path(argument.partition("::")[0]) for argument in config.args]
    n_files = sum(len(list(path.rglob("test_*.py"))) if path.is_dir() else 1 for path in asked)
    return 0 if n_files <= FEW_FILES else 2


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)


@pytest.fixture(scope="session", autouse=True)
def spool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of runs on their way to a store, also for the processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("spool")
        patch.setenv("PIPELINE_SPOOL", str(folder))
        yield folder


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a store that all tests share: laying its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def trained(store: str) -> Callable[..., Result]:
    """Runs the story itself, two epochs and no baselines unless given."""
    return lambda *overrides: pipeline.run(pipeline.load(*SMALL, *overrides, f"tracking.uri={store}"))


@pytest.fixture(scope="session")
def trained_once(store: str) -> Callable[..., Result]:
    """As `trained`, but for tests that only read what a run left: the same overrides are run once for all of them."""
    return functools.cache(lambda *overrides: pipeline.run(pipeline.load(*SMALL, *overrides, f"tracking.uri={store}")))


@pytest.fixture(scope="session")
def untrained() -> Callable[..., Path]:
    """Saves the model of a network as it is before training: where its weights do not matter, that is fast."""
    from support.untrained import save

    return save


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Path of a real data file; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not in {DATA}; set PIPELINE_DATA to the folder that has it")
        return path

    return find


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes columns as a CSV file and gives its path."""

    def write(name: str = "table.csv", **columns: object) -> Path:
        import pandas as pd

        path = tmp_path / name
        pd.DataFrame(columns).to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file, as it is or in an encoding, and gives its path."""

    def write(content: str | bytes, name: str = "t.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def regression_table(table: Callable[..., Path]) -> Path:
    """100 rows, inputs `a`, `b` and a weight, target `y`."""
    import numpy as np

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=100), rng.normal(5, 3, size=100)
    return table(a=a, b=b, weight=rng.uniform(size=100), y=1000 + 50 * a - 20 * b)


@pytest.fixture
def epochs_of(store: str) -> Callable[[str], pd.DataFrame]:
    """What a run logged per epoch: a row for each, from 1."""

    def fetch(run_id: str) -> pd.DataFrame:
        import pandas as pd
        from mlflow import MlflowClient

        from pipeline.track import metric_names

        client = MlflowClient(store)
        logged = metric_names.plain_values(client.get_run(run_id).data.metrics)
        names = [*(name for name in logged if name.startswith("epoch_")), "loss", "val_loss", "learning_rate"]
        histories = {name: metric_names.history(client, run_id, name) for name in names}
        return pd.DataFrame({name: {entry.step: entry.value for entry in kept} for name, kept in histories.items()})

    return fetch
