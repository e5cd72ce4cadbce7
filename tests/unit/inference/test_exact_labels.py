"""Labels that a float64 does not tell apart: each stays what it is, in the model, in predictions and when scored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, LoadedModel, data, load
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.score_file import score_file

LABELS: dict[str, list[Any]] = {
    "beyond 2^53": [2**53, 2**53 + 1],
    "below -2^53": [-(2**53) - 1, -(2**53)],
    "19 digits": [1234567890123456788, 1234567890123456789, 1234567890123456790],
    "the ends of int64": [-(2**63), 2**63 - 2, 2**63 - 1],
    "beyond int64": [2**63 + 1, 2**63 + 2],
    "both sides of int64's end": [5, 2**63 + 1, 2**64 - 1],
    "22 digits": [10**21 + 1, 10**21 + 2],
    "small": [-1, 0, 7],
    "halves": [0.5, 1.5],
    "words": [False, True],
}


def frame_of(labels: list[Any]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    drawn = [labels[number] for number in rng.integers(0, len(labels), 90)]
    return pd.DataFrame({"a": rng.normal(size=90), "y": pd.Series(drawn, dtype=object)})


@pytest.mark.parametrize(
    "name", [name if name == "beyond 2^53" else pytest.param(name, marks=pytest.mark.slow) for name in LABELS]
)
@pytest.mark.parametrize("streaming", ["off", "on"])
def test_labels_stay_what_they_are(untrained: Callable[..., Path], tmp_path: Path, name: str, streaming: str) -> None:
    labels, frame = LABELS[name], frame_of(LABELS[name])
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    words = ["data=plain_table", f"data.path={path}", "data.target=y", "data.task=multiclass"]
    config = load(*words, f"data.streaming={streaming}", "data.memory_budget=64MB").data
    target = data.load(config).rows.target
    assert sorted(map(str, target.classes.tolist())) == sorted(map(str, labels))
    assert [str(value) for value in target.originals()[:, 0]].count(str(labels[0])) == (frame["y"] == labels[0]).sum()

    model = untrained(tmp_path / "model", *words)
    predict(str(model), path, tmp_path / "found.csv")
    predicted = LoadedModel(model).predict({"a": frame["a"].to_numpy()})["label"]
    said = [str(value.decode() if isinstance(value, bytes) else value) for value in predicted]
    assert pd.read_csv(tmp_path / "found.csv", dtype=str)["label"].tolist() == [
        word.lower() if name == "words" else word for word in said
    ]
    for given in written(frame.assign(y=said), labels, tmp_path):
        assert score_file(str(model), given).scores["accuracy"] == 1, given


def written(frame: pd.DataFrame, labels: list[Any], folder: Path) -> list[Path]:
    """The rows with labels as a text file has them, and with the types that Parquet has for them."""
    frame.to_csv(folder / "new.csv", index=False)
    values = frame["y"].map({"bool": "True".__eq__, "float": float, "int": int}[type(labels[0]).__name__])
    if max(map(abs, labels)) >= 2**64:
        return [folder / "new.csv"]
    frame.assign(y=values.astype("uint64") if max(labels) >= 2**63 else values).to_parquet(folder / "new.parquet")
    return [folder / "new.csv", folder / "new.parquet"]


def test_a_label_that_may_be_several_is_refused(untrained: Callable[..., Path], tmp_path: Path) -> None:
    frame = frame_of(LABELS["beyond 2^53"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    model = untrained(tmp_path / "model", "data=plain_table", f"data.path={tmp_path / 't.csv'}", "data.target=y")
    frame.assign(y=float(2**53)).to_parquet(tmp_path / "new.parquet")
    with pytest.raises(DataError, match=r"column 'y', row 0: .* may stand for several whole numbers; give it as text"):
        score_file(str(model), tmp_path / "new.parquet")
    frame.assign(y=f"{2**53 + 2}.0").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=f"the model does not know the class {2**53 + 2}; it knows {2**53}, "):
        score_file(str(model), tmp_path / "new.csv")


def test_zero_among_labels_of_text_is_scored(untrained: Callable[..., Path], tmp_path: Path) -> None:
    frame = frame_of(["0.0", "1", "none"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    model = untrained(tmp_path / "model", "data=plain_table", f"data.path={tmp_path / 't.csv'}", "data.target=y")
    assert LoadedModel(model).manifest.classes == ["0.0", "1", "none"]
    for label in (1.0, 0.0):
        frame.assign(y=label).to_parquet(tmp_path / "new.parquet")
        assert score_file(str(model), tmp_path / "new.parquet").n_rows == len(frame)
