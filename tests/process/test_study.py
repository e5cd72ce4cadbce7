"""A study by its command, from its sweep to its sentences."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.config.rules import is_own_tag
from support.command_process import Commands, command_process


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """A process that runs command lines, one for all studies."""
    with command_process(COLUMNS="200") as run:
        yield run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "swept", "drawn"),
    [
        ("l1", ["model.l1=0.0,0.1"], ["curves", "inputs"]),
        ("input_scaling", ["data.input_scaling=none,standard", "fit.learning_rate=0.01"], ["dots", "learning_curves"]),
        ("batch_size", ["fit.batch_size=64,full", "fit.learning_rate=0.1,1e30", "fit.clip_norm=null"], ["curves"]),
    ],
)
def test_a_study_runs_from_its_sweep_to_its_sentences(
    commands: Commands,
    name: str,
    swept: list[str],
    drawn: list[str],
    tmp_path: Path,
    store: str,
) -> None:
    arguments = [*swept, "seed=0", "fit.epochs=2", f"tracking.uri={store}", f"hydra.sweep.dir={tmp_path}"]
    code, out = commands("study", name, *arguments)
    assert code == 0, out
    assert "Traceback" not in out
    printed = [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith("picture  ")]
    assert [Path(path).stem for path in printed] == drawn
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in printed)
    seen = (Path(printed[0]).parent / "seen.txt").read_text()
    assert all(line in out for line in seen.splitlines())
    (experiment,) = MlflowClient(store).search_experiments(filter_string=f"name = 'study_{name}'")
    runs = MlflowClient(store).search_runs([experiment.experiment_id])
    assert len(runs) > 1
    assert {tag for run in runs for tag in run.data.tags if not is_own_tag(tag)} == {"study"}  # all others are reserved
    parents = MlflowClient(store).search_runs([experiment.experiment_id], "tags.found != ''")
    assert [run.data.tags["found"] for run in parents] == [" ".join(seen.splitlines())]
