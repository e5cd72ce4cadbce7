"""Scores on newly labelled rows: those that the run had, from files; and labels that cannot be scored."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, ModelError, data, load
from pipeline.inference.score_file import score_file
from pipeline.train import Result, run
from support.runs import FLOWERS


@pytest.fixture(scope="module")
def flowers(trained_once: Callable[..., Result]) -> tuple[Result, pd.DataFrame]:
    """A run on iris, and its test rows as a table with labels."""
    test = data.load(load(*FLOWERS).data).part("test")
    frame = pd.DataFrame({name: np.asarray(column) for name, column in test.inputs.items()})
    return trained_once(*FLOWERS), frame.assign(target=test.target.classes[test.target.values[:, 0]])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_test_rows_in_a_file_give_the_test_scores(
    flowers: tuple[Result, pd.DataFrame], tmp_path: Path, suffix: str
) -> None:
    result, frame = flowers
    path = tmp_path / f"new{suffix}"
    shuffled = frame[frame.columns[::-1]].assign(other=1, w=2.0)
    if suffix == ".csv":
        shuffled.to_csv(path, index=False)
    else:
        shuffled.to_parquet(path)
    found = score_file(result.model_path, path, weight="w")
    assert found.n_rows == len(frame)
    assert found.run_id == result.run_id
    expected = {name[5:]: value for name, value in result.scores.items() if name.startswith("test_")}
    assert found.scores == pytest.approx(expected)


@pytest.mark.slow
def test_numbers_and_truth_values_are_labels_too(
    flowers: tuple[Result, pd.DataFrame], store: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80)}).assign(sold=lambda table: table["a"] > 0)
    path = tmp_path / "sold.csv"
    frame.to_csv(path, index=False)
    keys = ("data=plain_table", f"data.path={path}", "data.target=sold", "fit.epochs=1", "model.units=[]")
    result = run(load(*keys, f"tracking.uri={store}"))
    frame.to_parquet(tmp_path / "sold.parquet")
    by_text, by_type = (score_file(result.model_path, file).scores for file in (path, tmp_path / "sold.parquet"))
    assert by_text == by_type
    frame.assign(sold=2).to_csv(path, index=False)
    with pytest.raises(DataError, match="column 'sold', row 0: the model does not know the class 2; it knows False, "):
        score_file(result.model_path, path)


BAD = [
    ({"target": None}, "column 'target', row 2: no value, so nothing can be compared with it"),
    ({"target": "tulip"}, "row 2: the model does not know the class 'tulip'; it knows setosa, versicolor, virginica"),
    ({"sepal length (cm)": "wide"}, r"column 'sepal length \(cm\)', row 2: 'wide' is not a number"),
    ({"w": -1.0}, "--weight: column 'w' must not have negative weights"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_scored(
    flowers: tuple[Result, pd.DataFrame], tmp_path: Path, change: dict[str, object], message: str
) -> None:
    result, frame = flowers
    frame = frame.assign(w=1.0).astype(object)
    for name, value in change.items():
        frame.loc[2, name] = value
    frame.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=message):
        score_file(result.model_path, tmp_path / "new.csv", weight="w")


def test_a_file_without_the_target_or_without_rows(
    flowers: tuple[Result, pd.DataFrame], store: str, tmp_path: Path
) -> None:
    result, frame = flowers
    frame.rename(columns={"target": "targets"}).to_csv(tmp_path / "a.csv", index=False)
    frame.head(0).to_parquet(tmp_path / "b.parquet")
    said = r"scoring a model needs its target: missing columns: 'target' \(did you mean 'targets'\?\)"
    for name, message in (("a.csv", said), ("b.parquet", "the file has no rows"), ("c.csv", "c.csv does not exist")):
        with pytest.raises(DataError, match=message):
            score_file(result.model_path, tmp_path / name)
    with pytest.raises(ModelError, match="no such folder or run"):
        score_file("nowhere", tmp_path / "a.csv", tracking_uri=store)
