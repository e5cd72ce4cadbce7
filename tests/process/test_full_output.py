"""What is printed goes to a disk that is full: the work is done all the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from support.places import ROOT

FULL = Path("/dev/full")
TOLD = "standard output cannot be written: No space left on device; the command continues without it"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")


def printing_to_full(*words: str) -> tuple[int, str]:
    """The exit code, and what is said on standard error."""
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "pipeline", *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            check=False, timeout=300,
        )  # fmt: skip
    return ended.returncode, ended.stderr.strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [(), ("-m", "seed=1,2"), ("-m", "seed=1,2", "hydra/launcher=local", "hydra.launcher.n_jobs=2")],
    ids=["run", "sweep", "processes"],
)
def test_a_run_is_trained_and_tracked(tmp_path: Path, more: tuple[str, ...]) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    folder = f"hydra.{'sweep' if more else 'run'}.dir={tmp_path}/hydra"
    words = ("data=iris", "fit.epochs=2", "baselines=[]", f"tracking.uri={uri}", folder)
    assert printing_to_full("train", *more, *words) == (0, TOLD)
    client = MlflowClient(uri)
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(runs) == (3 if more else 1)


def test_what_only_prints_ends_with_1() -> None:
    assert printing_to_full("version") == (1, TOLD)
