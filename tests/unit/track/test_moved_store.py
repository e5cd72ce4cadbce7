"""A store that was moved or copied: what lies in it is found, nothing goes to where it lay, and `relocate` says so."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline import TrackingError, load, run
from pipeline.inference.locate import resolve
from pipeline.track.moved_store import relocate
from pipeline.track.registry import register
from pipeline.train import Result
from support.typed import Typed

WORDS = ("data=iris", "fit.epochs=1", "model.units=[4]", "baselines=[]", "fit.execution=graph")


@pytest.fixture
def there(tmp_path: Path) -> tuple[Path, Result]:
    """A folder with a store, and a run in it whose model is registered."""
    folder = tmp_path / "a store"
    result = run(load(*WORDS, f"tracking.uri='sqlite:///{folder}/mlflow.db'"))
    register(result.run_id, "flowers", "champion", False, f"sqlite:///{folder}/mlflow.db")
    return folder, result


def addresses(store: Path) -> list[str]:
    tables = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location",
              "model_versions": "source"}  # fmt: skip
    with sqlite3.connect(store) as database:
        found = [row[0] for name, column in tables.items() for row in database.execute(f"SELECT {column} FROM {name}")]
    database.close()
    return [one for one in found if one.startswith("file:")]


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move], ids=["copied", "moved"])
def test_it_is_used_from_where_it_lies(
    there: tuple[Path, Result], tmp_path: Path, how: Callable[[Path, Path], object], typed: Typed
) -> None:
    old, result = there
    new = tmp_path / "elsewhere"
    how(old, new)
    uri = f"sqlite:///{new}/mlflow.db"
    before = sorted(str(path) for path in old.rglob("*")) if old.exists() else None
    assert resolve(result.run_id, uri).path.is_relative_to(new)
    assert resolve("models:/flowers@champion", uri).path.is_relative_to(new)
    assert {entry.path for entry in MlflowClient(uri).list_artifacts(result.run_id)} >= {"config.yaml", "saved_model"}
    with pytest.raises(TrackingError, match=r"was moved or copied.* relocate --uri sqlite:///"):
        run(load(*WORDS, f"tracking.uri={uri}"))
    code, out, err = typed("relocate", "--uri", uri)
    assert code == 0, err
    assert "1 of experiments, 1 of runs, 1 of logged models" in out
    assert all(address.startswith(new.as_uri()) for address in addresses(new / "mlflow.db"))
    assert "all addresses are correct" in typed("relocate", "--uri", uri)[1]
    again = run(load(*WORDS, f"tracking.uri={uri}"))
    assert Path(again.model_path).is_relative_to(new)
    assert (sorted(str(path) for path in old.rglob("*")) if old.exists() else None) == before


def test_a_place_that_somebody_chose_stays(tmp_path: Path) -> None:
    uri, chosen = f"sqlite:///{tmp_path}/store/mlflow.db", tmp_path / "chosen" / "artifacts"
    first = run(load(*WORDS, f"tracking.uri={uri}", "tracking.experiment=first"))
    assert Path(first.model_path).is_relative_to(tmp_path / "store")
    chosen.mkdir(parents=True)
    MlflowClient(uri).create_experiment("iris", artifact_location=chosen.as_uri())
    assert Path(run(load(*WORDS, f"tracking.uri={uri}")).model_path).is_relative_to(chosen)
    assert not any(relocate(uri).values())
