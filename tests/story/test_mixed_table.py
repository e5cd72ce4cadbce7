"""A table with every kind of column and gaps, from file to SavedModel: raw strings in, predictions out, anywhere."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline import data, load
from pipeline.train import Result

N = 200
FRESH = {  # gaps, categories and dates never seen, numbers far away
    "size m²": [np.nan, 1e6, 80.0],
    "rooms": [3.0, np.nan, 99.0],
    "town": ["", "Zürich", "Bern"],
    "built": ["", "someday", "1850-02-28"],
    "garden": [1.0, 0.0, np.nan],
    "note, free": ['two\nlines "quoted"', "", "naïve 東京"],
    "empty": [np.nan, np.nan, 1.0],
}
# Importing this package or Keras is an error in the process that runs this.
ELSEWHERE = """
import json, sys
sys.modules["pipeline"] = sys.modules["keras"] = None
import tensorflow as tf
paths, fresh = json.loads(sys.stdin.read())
given = {name: tf.constant(values, tf.string if isinstance(values[0], str) else tf.float64)
         for name, values in fresh.items()}
found = []
for path in paths:
    model = tf.saved_model.load(path)
    found.append(model.serve(given)["prediction"].numpy().tolist())
print(json.dumps(found))
"""


def mixed_table(path: Path) -> Path:
    rng = np.random.default_rng(0)
    size, rooms, town = rng.lognormal(4, 0.5, N), rng.integers(1, 6, N), rng.integers(0, 3, N)
    frame = pd.DataFrame(
        {
            "size m²": size,
            "rooms": rooms,
            "town": np.array(["Bern", "Köln", "東京"])[town],
            "built": [f"{date(1950, 1, 1) + timedelta(days=int(days))}" for days in rng.integers(0, 20000, N)],
            "garden": rng.random(N) < 0.5,
            "note, free": np.array(["plain", 'say "hi"', "two\nlines", "naïve 東京"])[rng.integers(0, 4, N)],
            "empty": np.nan,
            "price": 1000 * size + 20000 * rooms + 50000 * town,
        }
    )
    for name in FRESH:
        frame[name] = frame[name].astype(object).where(rng.random(N) > 0.1, None)
    frame.to_csv(path, index=False)
    return path


@dataclass(frozen=True)
class Served:
    """A model by its own serving function."""

    result: Result
    path: Path  # of its table

    @functools.cached_property
    def loaded(self) -> Any:
        return tf.saved_model.load(self.result.model_path)

    @functools.cached_property
    def expected(self) -> np.ndarray:
        """Of the fresh rows."""
        columns = {
            name: tf.constant(values, tf.string if isinstance(values[0], str) else tf.float64)
            for name, values in FRESH.items()
        }
        return self.loaded.serve(columns)["prediction"].numpy()


ENCODINGS = ["one_hot", "embedding", "hash", "ordinal"]


@pytest.fixture(scope="module")
def models(trained_once: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    """A model by how its categories are encoded."""
    path = mixed_table(tmp_path_factory.mktemp("mixed") / "houses.csv")
    words = ["data=plain_table", f"data.path={path}", "data.target=price"]
    return functools.cache(lambda encoding: Served(trained_once(*words, f"data.category_encoding={encoding}"), path))


@pytest.mark.slow
def test_mixed_tables_are_served_in_a_process_without_this_package(
    models: Callable[[str], Served], tmp_path: Path
) -> None:
    of_all = [models(encoding) for encoding in ENCODINGS]
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=json.dumps([[model.result.model_path for model in of_all], FRESH]),
        capture_output=True, text=True, cwd=tmp_path, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    for found, model in zip(json.loads(ended.stdout), of_all, strict=True):
        np.testing.assert_allclose(found, model.expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_mixed_table_is_served_raw(models: Callable[[str], Served], store: str, encoding: str) -> None:
    model = models(encoding)
    result, path, loaded, expected = model.result, model.path, model.loaded, model.expected
    assert np.isfinite(list(result.scores.values())).all()
    assert expected.shape == (3, 1)
    assert np.isfinite(expected).all()

    mlflow.set_tracking_uri(store)
    served = mlflow.pyfunc.load_model(f"runs:/{result.run_id}/model")
    frame = pd.DataFrame(FRESH).astype({"town": object, "built": object, "note, free": object})
    frame = frame.replace({"": None})
    with pytest.raises(Exception, match="column 'built', row 1: 'someday' is not a date as year-month-day"):
        served.predict(frame)
    frame.loc[1, "built"] = None  # which the serving function takes for the same: it has no gaps of another kind
    np.testing.assert_allclose(served.predict(frame)["prediction"], expected[:, 0], rtol=1e-6)

    read = pd.read_csv(path, nrows=20)
    rows = data.read_rows(load("data=plain_table", f"data.path={path}", "data.target=price").data)
    own = {
        name: tf.constant(np.asarray(column[:20]), tf.string if column.dtype == object else tf.float64)
        for name, column in rows.inputs.items()
    }
    np.testing.assert_allclose(served.predict(read)["prediction"], loaded.serve(own)["prediction"][:, 0], rtol=1e-6)
