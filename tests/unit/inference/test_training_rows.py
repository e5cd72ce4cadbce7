"""`evaluate` sees training rows in a file by their hashes, in whichever way the values are written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.commands import evaluate
from pipeline.config import load
from pipeline.data import RowHashes
from pipeline.data import load as load_data
from pipeline.data.row_hashes import FILE, row_hashes
from pipeline.inference.score_file import score_file
from pipeline.train import Result

N = 400
KEYS = ["data=table", "data.target=y", "model=dense", "model.units=[]", "fit.epochs=1", "data.split.seed=0"]


def frame(kind: str) -> pd.DataFrame:
    """Rows that are all different: numbers with gaps, text, whole numbers, truth values and dates."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=N)
    y = 3 * a + rng.normal(0, 0.1, N) if kind == "regression" else np.where(a > 0, "yes", "no")
    return pd.DataFrame({
        "a": np.where(rng.uniform(size=N) < 0.1, np.nan, a), "whole": rng.integers(0, 1000, N),
        "town": rng.choice(["Ulm", "Bonn", ""], N), "flag": rng.choice([True, False], N),
        "zero": rng.choice([0.0, 1.5], N),
        "day": pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d"), "b": rng.normal(size=N), "y": y,
    })  # fmt: skip


@pytest.mark.parametrize("kind", ["regression", "labels"])
@pytest.mark.parametrize("streaming", ["off", "on"])
def test_training_rows_in_a_file_are_reported(
    kind: str, streaming: str, table: Callable[..., Path], trained: Callable[..., Result], store: str, tmp_path: Path
) -> None:
    rows = frame(kind)
    path = table(**{name: rows[name].to_numpy() for name in rows})
    words = [*KEYS, f"data.path={path}", f"data.streaming={streaming}"]
    result = trained(*words)
    kept = RowHashes.read(Path(result.model_path).parent / FILE)
    assert kept is not None
    assert (len(kept.hashes), kept.n_new_alike) == (kept.n_rows, 0)

    found = score_file(result.run_id, path, tracking_uri=store)
    assert found.seen == (
        f"{kept.n_rows} of {N} rows are training rows of the model, inputs and target alike: "
        "scores on them are too good"
    )
    other = tmp_path / "other.parquet"  # written in another way, in another order
    rows.sample(frac=1, random_state=0)[list(reversed(rows.columns))].to_parquet(other)
    assert score_file(result.run_id, other, tracking_uri=store).seen == found.seen
    new = tmp_path / "new.csv"
    rows.assign(b=rows["b"] + 1).to_csv(new, index=False)
    assert score_file(result.run_id, new, tracking_uri=store).seen is None


def test_of_an_array_too(trained: Callable[..., Result], store: str, tmp_path: Path) -> None:
    words = ["data=digits", "fit.epochs=1", "model.units=[]"]
    result = trained(*words)
    test, train = (load_data(load(*words).data).part(part) for part in ("test", "train"))
    for rows, n in ((train, 50), (test, 0)):
        path = tmp_path / f"{n}.csv"
        columns = {f"x_{place}": rows.inputs["x"][:50, place] for place in range(64)}
        pd.DataFrame(columns | {"digit": rows.target.values[:50, 0]}).rename(
            columns={"digit": rows.target.names[0]}
        ).to_csv(path, index=False)
        seen = score_file(result.run_id, path, tracking_uri=store).seen
        assert (seen or "0").split(" of ")[0] == str(n)


def test_the_command_warns_and_a_run_of_before_says_nothing(
    trained: Callable[..., Result], table: Callable[..., Path], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame("regression")
    path = table(**{name: rows[name].to_numpy() for name in rows})
    result = trained(*KEYS, f"data.path={path}")
    evaluate.main([result.run_id, str(path), "--uri", store])
    assert f"of {N} rows are training rows of the model" in capsys.readouterr().err
    evaluate.main([str(result.model_path), str(path)])  # a folder that lies beside them
    assert "are training rows" in capsys.readouterr().err
    shutil.rmtree(Path(str(result.model_path)).parent / "data")
    evaluate.main([result.run_id, str(path), "--uri", store])
    assert capsys.readouterr().err == ""


def test_rows_that_are_equal_by_nature_do_not_warn() -> None:
    hashes = np.arange(10, dtype=np.uint64)
    kept = RowHashes(hashes, n_kept=100, n_rows=1000, n_new=50, n_new_alike=25)
    assert kept.warning(np.repeat(np.array([1, 99], np.uint64), 50)) is None
    assert kept.warning(np.full(100, 3, np.uint64)) == (
        "100 of 100 rows are training rows of the model, inputs and target alike (as 50% of the run's own test rows "
        "are); 100 of 1,000 training rows are known: scores on them are too good"
    )
    assert RowHashes(hashes, 10, 10, 50, 0).warning(np.array([3, 99, 99], np.uint64)) is not None
    assert RowHashes(hashes, 10, 10, 50, 0).warning(np.empty(0, np.uint64)) is None


def test_hashes_follow_from_values_alone() -> None:
    one = row_hashes({"a": np.array([0.0, np.nan]), "b": np.array(["x", "y"], object)}, np.array([[1], [2]]))
    other = row_hashes({"b": np.array(["x", "y"], object), "a": np.array([-0.0, np.nan])}, np.array([[1.0], [2.0]]))
    assert (one == other).all()
    assert one.tolist() == [18236684100019451338, 16719077728914359520]  # in every process
    assert (row_hashes({"x": np.eye(2)}, np.zeros((2, 1))) == row_hashes({"x": np.eye(2)}, np.zeros((2, 1)))).all()
