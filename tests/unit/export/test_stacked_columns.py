"""Columns that are alike are one matrix in the graph: it has no more operations for many of them than for a few."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from pipeline import load
from pipeline.data import RawColumn
from pipeline.data.ops import FIELDS, NumpyOps
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.network_inputs import TableInputs, fit_inputs
from pipeline.data.reading.raw_columns import TextArray
from pipeline.export.formats.portable import PortableOps
from pipeline.export.preprocessing_graph import preprocessed
from pipeline.export.tensorflow_ops import TensorOps

pytestmark = pytest.mark.slow

N = 120
KEYS = ["data.missing_indicator=true", "data.max_categories=5", "data.category_encoding=auto"]
KEYS += ["data.two_valued=zero_one", "data.ordered_numbers=number_and_one_hot"]
SCALINGS = [
    "standard",
    "yeo_johnson",
    "quantile",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("robust", "log1p", "smooth_clip", "noisy_quantile")),
]


def many(times: int) -> dict[str, RawColumn]:
    """So many columns of each kind, each with values of its own, in turn."""
    rng = np.random.default_rng(0)
    found: dict[str, RawColumn] = {}
    for number in range(times):
        found[f"plain {number}"] = rng.normal(number, 1 + number, N)
        found[f"town {number}"] = TextArray.of([f"{place}{number % 3}" for place in rng.choice(["Ulm", "Bonn", ""], N)])
        found[f"gaps {number}"] = np.where(rng.random(N) < 0.1, np.nan, rng.lognormal(number / 10, 1, N))
        found[f"code {number}"] = rng.integers(number, number + 3 + number % 2, N).astype(float)
        found[f"switch {number}"] = rng.choice([-1.5, number], N)
        found[f"many {number}"] = TextArray.of([f"{number}-{place}" for place in rng.integers(0, 40, N)])
        found[f"few {number}"] = TextArray.of([f"{number}+{place}" for place in rng.integers(0, 9, N)])
        days = rng.integers(1, 29, N)
        found[f"day {number}"] = TextArray.of([f"20{10 + number % 80}-0{1 + day % 9}-{day:02}" for day in days])
    return found


def fitted(columns: dict[str, RawColumn], scaling: str, of_few: str = "one_hot") -> TableInputs:
    ways = ", ".join(
        f"{name}: {'ordinal' if name.startswith('town') else of_few}"
        for name in columns
        if name.startswith(("town", "few"))
    )
    keys = [*KEYS, f"data.input_scaling={scaling}", f"data.category_encoding.by_column={{{ways}}}"]
    config = load("data=plain_table", "data.path=x.csv", "data.target=y", *keys).data
    inputs = fit_inputs(columns, config)
    assert isinstance(inputs, TableInputs)
    return inputs


def graph(
    ops: TensorOps, inputs: TableInputs, columns: dict[str, np.ndarray]
) -> tf.types.experimental.ConcreteFunction:
    names = {name: f"c{number}" for number, name in enumerate(columns)}
    specs = [
        tf.TensorSpec(
            [None, *values.shape[1:]], tf.as_dtype("string" if values.dtype == object else values.dtype), names[name]
        )
        for name, values in columns.items()
    ]

    @tf.function(autograph=False)
    def whole(**given: tf.Tensor) -> tf.Tensor:
        return preprocessed(ops, inputs, {name: given[argument] for name, argument in names.items()}, tf.float64)

    return whole.get_concrete_function(**{spec.name: spec for spec in specs})


def encoded(inputs: TableInputs, columns: dict[str, RawColumn], dtype: type) -> dict[str, np.ndarray]:
    """As portable files take them."""
    found: dict[str, np.ndarray] = {}
    for feature in inputs.features:
        values = np.asarray(columns[feature.column])
        if isinstance(feature, Date):
            fields = feature.written.parse(NumpyOps(), values)
            values = np.stack([fields[name] for name in FIELDS], axis=1)
        elif values.dtype == object:
            values = feature.vocabulary.index(NumpyOps(), values).astype(np.int32)  # type: ignore[attr-defined]
        found[feature.column] = values.astype(dtype) if values.dtype == np.float64 else values
    return {name: found[name] for name in columns}


def kinds_of_operations(function: tf.types.experimental.ConcreteFunction) -> Counter[str]:
    found = Counter(operation.type for operation in function.graph.get_operations())
    del found["Placeholder"]
    return found


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_graph_does_not_grow_with_columns(scaling: str) -> None:
    few, more = many(3), many(9)
    for ops, as_given in ((TensorOps, False), (lambda: PortableOps(tf.float64), True)):
        made = []
        for columns in (few, more):
            inputs = fitted(columns, scaling)
            given = encoded(inputs, columns, np.float64) if as_given else {n: np.asarray(c) for n, c in columns.items()}
            made.append(kinds_of_operations(graph(ops(), inputs, given)))
        assert made[0] == made[1]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_stacked_columns_are_what_each_is_alone(scaling: str) -> None:
    columns = many(4)
    rows = {name: np.concatenate([np.asarray(values), _strange(values)]) for name, values in columns.items()}
    inputs, hashing = fitted(columns, scaling), fitted(columns, scaling, "hash")
    digits = 1e-15 if scaling in ("standard", "robust") else 1e-9
    assert _apart(TensorOps(), hashing, rows) <= digits
    # What noisy quantiles hold apart, a hundred-thousandth of a deviation, float32 has two digits for.
    in_float32 = 1e-3 if scaling == "noisy_quantile" else 1e-4
    for dtype, tolerance in ((np.float64, max(digits, 1e-12)), (np.float32, in_float32)):
        assert _apart(PortableOps(tf.as_dtype(dtype)), inputs, rows, dtype) <= tolerance


def _strange(values: RawColumn) -> np.ndarray:
    return np.array(["", "never seen"], object) if isinstance(values, TextArray) else np.array([np.nan, 1e3])


def _apart(
    ops: TensorOps, inputs: TableInputs, rows: dict[str, np.ndarray], portable: type[np.floating] | None = None
) -> float:
    expected = np.concatenate([part.reshape(len(part), -1) for part in inputs.apply(NumpyOps(), rows)], axis=1)
    columns = encoded(inputs, rows, portable) if portable else rows
    tensors = {f"c{number}": tf.constant(values) for number, values in enumerate(columns.values())}
    found = graph(ops, inputs, columns)(**tensors).numpy()
    assert found.shape == expected.shape
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())
