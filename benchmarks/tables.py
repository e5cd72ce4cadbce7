"""How long a large table takes from its file to arrays, and how many rows a second the exported graph scores."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import data, load
from pipeline.config.rules import Data

REPEATS = 3
N_ROWS = 1_000_000
SCORED_ROWS = 200_000
CATEGORIES = 20


def measure_tables() -> dict[str, float]:
    """Median seconds of `pandas.read_csv` and of the data stage, its report left out, on the same mixed file; rates.

    Rates are rows per second of the graph alone, from tensors in memory to predictions, with a 64-64 network.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        _mixed(N_ROWS).to_csv(path, index=False)
        config = load("data=plain_table", f"data.path={path}", "data.target=y").data
        pairs = [(_seconds(lambda: pd.read_csv(path)), _seconds(lambda: _to_arrays(config))) for _ in range(REPEATS)]
    read, arrays = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "read": read,
        "arrays": arrays,
        "numeric": _rows_per_second(n_numbers=20, n_texts=0),
        "mixed": _rows_per_second(n_numbers=10, n_texts=10),
    }


def table_lines(found: dict[str, float]) -> list[str]:
    """A sentence for each."""
    return [
        f"**Tables.** From the file to arrays, {N_ROWS:,} rows of 20 mixed columns take {found['arrays']:.2f} s, "
        f"`pandas.read_csv` alone {found['read']:.2f} s. The exported graph scores {found['numeric']:,.0f} rows a "
        f"second of 20 numbers, {found['mixed']:,.0f} of ten numbers and ten texts (64-64 network, {SCORED_ROWS:,} "
        "rows a call).",
        "",
    ]


def _mixed(n_rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {f"number_{k}": rng.normal(size=n_rows).round(5) for k in range(10)}
    columns |= {f"count_{k}": rng.integers(0, 1000, n_rows) for k in range(2)}
    columns |= {f"text_{k}": _texts(rng, n_rows, 5 + 2 * k) for k in range(6)}
    days = pd.date_range("2000-01-01", periods=3000).strftime("%Y-%m-%d").to_numpy(object)
    return pd.DataFrame(columns | {"day": days[rng.integers(0, 3000, n_rows)], "y": rng.normal(size=n_rows)})


def _texts(rng: np.random.Generator, n_rows: int, n_categories: int) -> np.ndarray:
    return np.array([f"category {k}" for k in range(n_categories)], object)[rng.integers(0, n_categories, n_rows)]


def _to_arrays(config: Data) -> None:
    dataset = data.load(config)
    preprocessing = dataset.fit(config)
    preprocessing.check(dataset.rows)
    dataset.arrays(preprocessing)


def _rows_per_second(n_numbers: int, n_texts: int) -> float:
    from pipeline import model
    from pipeline.data.target import make_target
    from pipeline.runtime.startup import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from pipeline import export

    rng = np.random.default_rng(0)
    columns = {f"number_{k}": rng.normal(size=SCORED_ROWS) for k in range(n_numbers)}
    columns |= {f"text_{k}": _texts(rng, SCORED_ROWS, CATEGORIES) for k in range(n_texts)}
    target = make_target({"y": pd.Series(rng.normal(size=SCORED_ROWS))}, "regression")
    rows = data.Rows("table", columns, target, None, None)
    config = load("data=plain_table", "data.path=drawn", "data.target=y", "model.units=[64,64]")
    preprocessing = data.fit_preprocessing(rows, config.data)
    network = model.build(
        config.model, task="regression", n_inputs=preprocessing.inputs.n_inputs, n_outputs=1, categories=()
    )
    serve = export.assemble(rows, preprocessing, network).serve
    tensors = {name: tf.constant(column) for name, column in columns.items()}
    serve(tensors)
    return SCORED_ROWS / min(_seconds(lambda: serve(tensors)["prediction"].numpy()) for _ in range(REPEATS))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
