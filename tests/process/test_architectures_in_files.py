"""Embeddings of numbers, members and blocks in every format, and one run of the preset from a file to its files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import export as exports
from pipeline.export.formats.convert import export
from pipeline.inference.locate import resolve
from pipeline.train import Result

N = 150
TARGETS = {
    "regression": lambda size, rng: 1000 * size + rng.normal(size=N),
    "binary": lambda size, rng: np.where(size + rng.normal(size=N) > 55, "dear", "cheap"),
    "multiclass": lambda size, rng: np.array(["low", "middle", "high"])[np.digitize(size, [40, 70])],
}


def houses(table: Callable[..., Path], task: str) -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    size = rng.lognormal(4, 0.5, N)
    path = table(
        size=size,
        lot=np.where(rng.random(N) < 0.1, np.nan, rng.lognormal(6, 1, N)),
        rooms=rng.choice([1, 2, 3, 4], N),
        garden=rng.choice([True, False], N),
        built=[f"19{year}-0{month}-28" for year, month in rng.integers([10, 1], [99, 9], (N, 2))],
        town=rng.choice([f"town {number}" for number in range(30)], N),
        target=TARGETS[task](size, rng),
    )
    return f"data.path={path}", "data.target=target"


CASES = [  # task, what members share or how blocks are normalized, embedding, format
    ("regression", "mini", "piecewise_linear", "litert"),
    ("binary", "mini", "piecewise_linear", "onnx"),
    ("multiclass", "mini", "target_bins", "litert"),
    ("regression", "full", "periodic", "onnx"),
    ("binary", "full", "none", "litert"),
    ("regression", "packed", "cosine", "litert"),
    ("multiclass", "packed", "none", "onnx"),
    ("binary", "batch", "piecewise_linear", "litert"),
    ("regression", "layer", "none", "onnx"),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_file_predicts_what_the_pipeline_does(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, case: tuple[str, str, str, str]
) -> None:
    task, way, embedding, kind = case
    tabm = ("model=tabm", "model.members=4", f"model.sharing={way}")
    network = ("model=residual", f"model.normalization={way}") if way in ("batch", "layer") else tabm
    folder = untrained(
        tmp_path / "houses", "data=table", *houses(table, task), *network,
        f"model.numeric_embedding={embedding}",
    )  # fmt: skip
    done = export(resolve(str(folder)), kind, tmp_path / "out")  # type: ignore[arg-type]
    assert done.files[0].difference <= exports.TOLERANCE


@pytest.mark.slow
def test_the_preset_trains_and_its_predictions_stay_within_the_targets(
    trained: Callable[..., Result], table: Callable[..., Path], tmp_path: Path
) -> None:
    keys = houses(table, "regression")
    result = trained("data=table", *keys, "model.members=4", "model.units=[16]", "fit.epochs=8", "fit.ema=0.9")
    assert np.isfinite(list(result.scores.values())).all()
    done = export(resolve(result.run_id, result.store), "onnx", tmp_path / "out", tracking_uri=result.store)
    assert done.checked_on.endswith("validation rows")
    from pipeline import load_model

    model = load_model(result.model_path)
    columns = {
        "size": [1e12, -1e12], "lot": [0.0, 1e12], "rooms": [1.0, 9.0], "garden": [1.0, 0.0],
        "built": ["1950-01-28", "2050-01-28"], "town": ["town 1", "nowhere"],
    }  # fmt: skip
    far = model.predict(columns)["prediction"]
    rows = np.genfromtxt(keys[0].removeprefix("data.path="), delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert rows["target"].min() <= far.min() <= far.max() <= rows["target"].max()
