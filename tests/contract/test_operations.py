"""Numpy, TensorFlow's graph and the portable operations come to the same: operations, scalings, features.

All cases of a kind are traced in one function, as an exported model has them; a message names those that differ.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline import load
from pipeline.config.rules import FixedScaling, NamedScaling
from pipeline.data.ops import FIELDS, NumpyOps, Ops
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.category_columns import Hashed
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.network_inputs import fit_inputs
from pipeline.data.preprocessing.scaling import ComposedTransform, OutputScaler, fit_scaling
from pipeline.data.reading.dates import FORMATS, DateFormat, days_of, weekday
from pipeline.data.reading.raw_columns import RawColumn
from pipeline.export.formats.portable import PortableOps
from pipeline.export.tensorflow_ops import TensorOps
from support.columns import COLUMNS, LOGNORMAL, TARGETS, at_the_ends_of_float64, never_seen, of_every_kind

pytestmark = pytest.mark.slow

NAMES = typing.get_args(NamedScaling)
OF_INPUTS = (*NAMES, "noisy_quantile", "smooth_clip")
IMPLEMENTATIONS: dict[str, tuple[Callable[[], TensorOps], tf.DType]] = {
    "graph": (TensorOps, tf.float64),
    "portable": (lambda: PortableOps(tf.float64), tf.float64),
    "portable in float32": (lambda: PortableOps(tf.float32), tf.float32),
}


@dataclass(frozen=True)
class Case:
    """Something that is computed from columns."""

    id: str
    apply: Callable[..., Any]  # takes operations and columns, gives a column or a list of them
    columns: tuple[np.ndarray, ...]
    # The same as portable files take it: codes of texts, fields of dates. None where they cannot express it.
    portable: tuple[np.ndarray, ...] | None
    relative: float | None = None  # by how much it may differ, of the value or `floor`; None: the type's last digits
    floor: float = 1.0
    absolute: float = 0.0
    expected: np.ndarray | None = None  # where it is not what `apply` computes with numpy


def numbers(id: str, apply: Callable[..., Any], *columns: Any, **more: Any) -> Case:
    given = tuple(np.asarray(column) for column in columns)
    return Case(id, apply, given, given, **more)


# Operations, exact but for the last digits.

X = np.array([-30.0, -1.5, -1e-3, -1e-9, 0, 1e-12, 1e-4, 0.3, 1, 2.5, 40])
EDGES = np.array([-np.inf, -1e30, -2.5, -1.0, -0.0, 0.0, 0.1, 1.5, 2.0**24 + 1, 1e30, np.inf])
TO_THE_LAST_DIGITS = {"floor": 0.0, "absolute": 1e-30}  # of the smallest numbers too
MANY_KNOTS = (
    [np.array([-1.0, 0, 2, 3]), np.array([-3.0, 1]), np.array([-1e30, 0, 1e-4])],
    [np.array([0.0, 0.5, 0.75, 1]), np.array([-1.0, 2]), np.array([0.0, 1, 8])],
)
KNOTS = np.array([-1.0, 0, 2, 3]), np.array([0.0, 0.5, 0.75, 1])
DATES = [
    "", "soon", "2024-02-29", "2023-02-29", "1999-02-28T23:59:59", "2024-2-9 6:30", "0001-01-01", "9999-12-31",
    "2024-01-31T10:00:00.25Z", "2024-01-31T10:00+02:00", "2024/1/5 07:00", "31.12.2023", "1/2/2024", "13/2/2024",
    "2/13/2024", "2024-00-10", "2024-04-31", "2024-12-31T22:00:05-03:30", "2024-03-01 00:10+0545", "20240229T101500",
    "20240229T1015-12", "29-02-2024", "02-29-2024", "2024.2.29", "2024-01-01T10:00+25:00", "2024-01-01 10:00+02:60",
]  # fmt: skip
TEXTS = ["new", "a", "c", "other", "more", "", "\N{GRINNING FACE}" * 40, "x" * 64, "x" * 65, "naïve 東京"]


def call(name: str, *constants: Any) -> Callable[..., Any]:
    return lambda ops, *columns: getattr(ops, name)(*columns, *constants)


def operations() -> list[Case]:
    gaps = np.array([1, np.nan, -np.inf])
    cases = [
        *(numbers(name, call(name), X) for name in ("sin", "cos")),
        numbers("expm1", call("expm1"), X, **TO_THE_LAST_DIGITS),
        numbers("log1p", call("log1p"), np.abs(X), **TO_THE_LAST_DIGITS),
        numbers("log1p below 0", call("log1p"), np.maximum(X, -0.9), **TO_THE_LAST_DIGITS),
        numbers("log1p far away", call("log1p"), [1e10, 1e16, 1e30, 1e300, 1.7e308, np.inf], **TO_THE_LAST_DIGITS),
        *(numbers(name, call(name), EDGES) for name in ("abs", "sign", "floor")),
        *(numbers(name, call(name, 1.5), EDGES) for name in ("minimum", "maximum")),
        *(numbers(f"{name} of two", call(name), EDGES, EDGES[::-1].copy()) for name in ("minimum", "maximum")),
        numbers("isnan", call("isnan"), gaps),
        numbers("where", lambda ops, x: ops.where(ops.isnan(x), -7.5, x), gaps),
        numbers("where a constant", lambda ops, x: ops.where(ops.isnan(x), 0.1, 0.7), gaps),
        numbers("number of truth", call("number"), np.array([True, False])),
        numbers("number of whole ones", call("number"), np.array([-3, 0, 2**40])),
        numbers("interpolate", call("interpolate", *KNOTS), X),
        numbers("index_of_number", call("index_of_number", np.array([-1.5, 0.0, 2.5])), [*X, np.nan]),
        numbers("one_hot", call("one_hot", 3), np.array([-1, 0, 2, 1])),
        numbers("one_hot_columns", call("one_hot_columns", [3, 1]), np.array([[-1, 0], [0, -1], [2, 0], [1, 0]])),
        numbers("interpolate_columns", call("interpolate_columns", *MANY_KNOTS), np.stack([X, X / 2, -X], axis=1)),
        numbers(
            "index_of_number_columns",
            call("index_of_number_columns", [np.array([-1.5, 0.0, 2.5]), np.array([0.25])]),
            np.array([[-1.5, 0.25], [2.5, np.nan], [np.inf, -1.5], [np.nan, np.inf], [0.0, 0.0]]),
        ),
    ]
    texts, known = np.array(TEXTS, object), ("a", "b", "c")
    codes = np.array([-1, 0, 2, 3, 99, *[-1] * (len(TEXTS) - 5)])
    cases.append(Case("index_of_text", call("index_of_text", known), (texts,), (codes,)))
    many = (known, ("new", "a", "x" * 64))
    codes = np.stack([codes, np.array([0, 1, -1, 99, -1, -1, -1, 2, -1, -1])], axis=1)
    cases.append(
        Case("index_of_text_columns", call("index_of_text_columns", many), (np.stack([texts, texts], 1),), (codes,))
    )
    cases.append(Case("hash_of_text", call("hash_of_text", 2**20), (texts,), None))
    return cases


def dates() -> list[Case]:
    cases, texts = [], np.array(DATES, object)
    # All that portable files know of a format are the names of its fields, which two kinds of formats have.
    of_portable = {frozenset(written.fields): written for written in FORMATS}.values()
    for written in FORMATS:

        def parts(ops: Ops, x: Any, by: DateFormat = written) -> list[Any]:
            fields = by.parse(ops, x)
            days = days_of(ops, fields)
            return [*fields.values(), days, weekday(ops, days)]

        parsed = written.parse(NumpyOps(), texts)
        fields = np.stack([parsed[name] for name in FIELDS], axis=1)
        cases.append(Case(f"parse {written.name}", parts, (texts,), (fields,) if written in of_portable else None))
    groups = call("date_fields", FORMATS[0].pattern, FORMATS[0].fields)  # by parsing, those of all formats
    return [*cases, Case("date_fields", lambda *given: [*groups(*given).values()], (texts,), None)]


# Scalings of columns on which they usually break.


@functools.cache
def scalings() -> list[Case]:
    cases = []
    far = np.array([0, 1e-300, 1, 1e10, 1e40, 1e300, float(np.finfo(np.float64).max)])
    for scaling in OF_INPUTS:
        for kind, column in COLUMNS.items():
            chain = fit_scaling(column, scaling, "key")
            raw = np.concatenate([column, 0.9 * column, [0, 1, -1e5, 1e5, column.mean() / 2 + 1e-3]])
            outputs = np.concatenate([chain.apply(NumpyOps(), raw), np.linspace(-10, 10, 101), -far, far])
            cancelled = 1e-15 * float(np.abs(column).max())
            cases.append(numbers(f"{scaling} of {kind}", chain.apply, raw, relative=1e-9))
            if scaling in NAMES:  # others are for inputs only, which do not come back
                back = f"{scaling} of {kind} and back"
                cases.append(numbers(back, chain.invert, outputs, relative=1e-9, absolute=cancelled))
    for given in (*NAMES, FixedScaling(shift=[1.0, 2.0, 3.0], scale=7.0)):
        scaler = OutputScaler.fit(TARGETS, given, "data.output_scaling")
        scaled = scaler.apply(TARGETS)
        columns = list(scaled.astype(np.float64).T)
        back = lambda ops, *columns, by=scaler: by.invert_with(ops, columns)  # noqa: E731
        cases.append(numbers(f"outputs by {given}", back, *columns, relative=1e-9, expected=scaler.invert(scaled)))
    return cases


# Features of tables, fitted as a config says.


def config(*overrides: str) -> Any:
    return load("data=plain_table", "data.path=x.csv", "data.target=y", *overrides).data


CHOICES = [
    [],
    ["data.category_encoding=embedding"],
    ["data.category_encoding=auto"],
    ["data.category_encoding=ordinal"],
    ["data.category_encoding.by_column={town: hash}", "data.hash_buckets=5"],
    ["data.max_categories=1"],
    ["data.missing_indicator=true", "data.impute=mean", "data.impute.by_column={flag: most_frequent}"],
    ["data.impute=constant", "data.impute_constant=-7", "data.clip=3"],
    *([f"data.input_scaling={name}"] for name in OF_INPUTS if name != "standard"),
    ["data.input_scaling.by_column={number: quantile}"],
    ["data.input_scaling=quantile", "data.input_scaling.by_column.number={shift: 1, scale: 3}"],
    ["data.column_kinds={code: numeric}"],
    ["data.two_valued=zero_one", "data.ordered_numbers=number_and_one_hot", "data.narrowest_range=1e-6"],
]


@functools.cache
def features() -> list[Case]:
    """Each feature that some choice gives, once: most of them are the same for several choices."""
    table, ends = of_every_kind(), at_the_ends_of_float64()
    other = never_seen(table)
    fitted = [(fit_inputs(table, config(*keys)), rows) for keys in CHOICES for rows in (table, other)]
    fitted += [
        (fit_inputs(ends, config(f"data.input_scaling={scaling}", f"data.impute={impute}")), ends)
        for scaling in NAMES
        for impute in ("median", "mean")
    ]
    cases: dict[str, Case] = {}
    for inputs, rows in fitted:
        whole = to_array(inputs, rows)
        assert whole.shape == (len(next(iter(rows.values()))), inputs.n_inputs)
        assert np.isfinite(whole).all()
        first = 0
        for feature in inputs.features:
            last = first + len(feature.names)
            case = of_feature(feature, rows[feature.column], whole[:, first:last])
            assert np.array_equal(cases.setdefault(case.id, case).expected, case.expected)
            first = last
    x = np.random.default_rng(0).normal(3, 5, (30, 4))
    array = fit_inputs({"x": x}, load("data=digits", "data.clip=1.5").data)
    cases["array"] = numbers(
        "array", lambda ops, x: array.apply(ops, {"x": x}), x, relative=1e-6, expected=to_array(array, {"x": x})
    )
    return list(cases.values())


def of_feature(feature: Feature, values: RawColumn, expected: np.ndarray) -> Case:
    column = np.asarray(values)
    portable: np.ndarray | None = column
    if isinstance(feature, Hashed):
        portable = None
    elif isinstance(feature, Date):
        fields = feature.written.parse(NumpyOps(), column)
        portable = np.stack([fields[name] for name in FIELDS], axis=1)
    elif column.dtype == object:
        place = {text: number for number, text in enumerate(feature.vocabulary.values)}  # type: ignore[attr-defined]
        portable = np.array([place.get(text, -1) for text in column])
    return Case(
        f"{len(column)} rows of {feature}",
        feature.apply,
        (column,),
        None if portable is None else (portable,),
        relative=1e-6,
        expected=expected,
    )


KINDS = {"operations": operations, "dates": dates, "scalings": scalings, "features": features}


def computed(cases: list[Case], ops: TensorOps, dtype: tf.DType) -> list[list[np.ndarray]]:
    """By one graph in which the numbers of rows are open, as an exported model has it."""
    given = [[tensor(column, dtype) for column in columns_for(case, ops)] for case in cases]
    specs = tf.nest.map_structure(lambda column: tf.TensorSpec([None, *column.shape[1:]], column.dtype), given)

    @functools.partial(tf.function, input_signature=[specs], autograph=False)
    def whole(columns: list[list[tf.Tensor]]) -> list[Any]:
        return [case.apply(ops, *own) for case, own in zip(cases, columns, strict=True)]

    return [[part.numpy() for part in tf.nest.flatten(parts)] for parts in whole(given)]


class Used:
    """Numpy's operations, and which of them were called."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(NumpyOps(), name)


def is_of_its_own(case: Case, ops: TensorOps) -> bool:
    """Whether portable operations compute it, and not in the very way of the graph's."""
    if not isinstance(ops, PortableOps):
        return True
    if case.portable is None:
        return False
    used = Used()
    case.apply(used, *case.columns)
    return not used.names.isdisjoint(vars(PortableOps))


def columns_for(case: Case, ops: TensorOps) -> tuple[np.ndarray, ...]:
    given = case.portable if isinstance(ops, PortableOps) else case.columns
    assert given is not None
    return given


def tensor(column: np.ndarray, dtype: tf.DType) -> tf.Tensor:
    with np.errstate(over="ignore"):  # of float32
        return tf.constant(column, {"O": tf.string, "f": dtype}.get(column.dtype.kind))


def side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part).reshape(len(part), -1) for part in parts], axis=1).astype(np.float64)


def expected_of(case: Case, dtype: tf.DType) -> np.ndarray:
    """By numpy, in float64, of the numbers as the implementation's type holds them."""
    if case.expected is not None:
        return case.expected.astype(np.float64)

    def held(column: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return column.astype(dtype.as_numpy_dtype).astype(np.float64) if column.dtype.kind == "f" else column

    found = case.apply(NumpyOps(), *map(held, case.columns))
    return side_by_side(found if isinstance(found, list) else [found])


@pytest.mark.parametrize(
    ("kind", "implementation"),
    [
        *((kind, "graph") for kind in KINDS),
        *((kind, "portable") for kind in ("operations", "dates", "features")),
        pytest.param("scalings", "portable", marks=pytest.mark.slow),  # those of inputs are among the features too
        ("operations", "portable in float32"),
    ],
)
def test_implementations_come_to_the_same(kind: str, implementation: str) -> None:
    make, dtype = IMPLEMENTATIONS[implementation]
    ops, digits = make(), 4 * np.finfo(dtype.as_numpy_dtype).eps
    cases = [case for case in KINDS[kind]() if is_of_its_own(case, ops)]
    wrong = []
    for case, parts in zip(cases, computed(cases, ops, dtype), strict=True):
        found, expected = side_by_side(parts), expected_of(case, dtype)
        assert found.shape == expected.shape, case.id
        relative = digits if case.relative is None else case.relative
        with np.errstate(invalid="ignore"):
            allowed = relative * np.maximum(case.floor, np.abs(expected)) + case.absolute
            same = (found == expected) | (np.isnan(found) & np.isnan(expected)) | (np.abs(found - expected) <= allowed)
        fine = same & np.isfinite(found) if kind in ("scalings", "features") else same
        wrong += [
            f"{case.id}: row {row}: {found[row]}, numpy {expected[row]}" for row in np.flatnonzero(~fine.all(1))[:3]
        ]
    assert wrong == []


def test_every_operation_has_a_case() -> None:
    tried = {case.id.split()[0] for case in operations() + dates()}
    assert {name for name in vars(Ops) if not name.startswith("_")} <= tried


def test_a_saved_model_scales_and_comes_back(tmp_path: Path) -> None:
    chains: dict[str, ComposedTransform] = {scaling: fit_scaling(LOGNORMAL, scaling, "key") for scaling in NAMES}
    module, column = tf.Module(), tf.TensorSpec([None], tf.float64)
    for scaling, chain in chains.items():
        for way in ("apply", "invert"):
            by = functools.partial(getattr(chain, way), TensorOps())
            setattr(module, f"{way}_{scaling}", tf.function(by, input_signature=[column]))
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    for scaling, chain in chains.items():
        scaled = getattr(loaded, f"apply_{scaling}")(LOGNORMAL)
        np.testing.assert_allclose(scaled, chain.apply(NumpyOps(), LOGNORMAL), 1e-9, 1e-9, err_msg=scaling)
        back = getattr(loaded, f"invert_{scaling}")(scaled)
        np.testing.assert_allclose(back, LOGNORMAL, 1e-9, 1e-9, err_msg=scaling)
