"""Raw columns of every kind: found, fitted on training rows, the same in numpy and inside the exported model."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline import DataError, load
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.inputs import TableInputs, fit_inputs
from pipeline.data.preprocessing.kinds import kinds_of
from pipeline.data.reading.dates import FORMATS, format_of, weekday
from pipeline.data.reading.raw import Raw, Text
from pipeline.export.ops import TensorOps

N = 60


def config(*overrides: str) -> Any:
    return load("data=table", "data.path=x.csv", "data.target=y", *overrides).data


def columns(n: int = N) -> dict[str, Raw]:
    """A column of every kind, with gaps."""
    rng = np.random.default_rng(0)
    day = datetime(2023, 12, 25, 22, tzinfo=UTC)
    found = {
        "number": rng.lognormal(2, 1, n),
        "code": rng.integers(1, 4, n).astype(float),
        "flag": rng.integers(0, 2, n).astype(float),
        "town": Text(rng.integers(0, 4, n), np.array(["Köln", "Bern", "", "naïve 東京"], object)),
        "when": Text.of(
            [(day + timedelta(hours=7 * k)).strftime("%Y-%m-%d %H:%M:%S") for k in range(n) if k != 7] + [""]
        ),
    }
    found["number"][3] = found["flag"][5] = np.nan
    return found


def serving(given: dict[str, Raw]) -> dict[str, Raw]:
    """Other rows: gaps, unseen categories, dates that are none, and numbers far away."""
    return {
        "number": np.array([np.nan, 1e30, -1e30, 0.0, 5.0, given["number"][0]]),
        "code": np.array([np.nan, 2.0, 99.0, 1.5, 1.0, 3.0]),
        "flag": np.array([np.nan, 1.0, 0.0, 2.0, 1.0, 0.0]),
        "town": Text.of(["", "Köln", "Paris", "\N{GRINNING FACE}" * 40, "naïve 東京", "bern"]),
        "when": Text.of(["", "1999-02-29", "2024-02-29T23:59:59", "soon", "0001-01-01", "2100-12-31 00:00"]),
    }


def in_graph(inputs: TableInputs, given: dict[str, Raw]) -> np.ndarray:
    ops = TensorOps()

    @tf.function
    def apply(raw: dict[str, tf.Tensor]) -> tf.Tensor:
        parts = inputs.apply(ops, raw)
        return tf.concat([part if part.shape.rank == 2 else part[:, None] for part in parts], axis=1)

    dtypes = {name: tf.string if values.dtype == object else tf.float64 for name, values in given.items()}
    return apply({name: tf.constant(np.asarray(values), dtypes[name]) for name, values in given.items()}).numpy()


CHOICES = [
    [],
    ["data.category_encoding=embedding"],
    ["data.category_encoding=ordinal"],
    ["data.category_encodings={town: hash}", "data.hash_buckets=5"],
    ["data.max_categories=1"],
    ["data.missing_indicator=true", "data.impute=mean", "data.imputes={flag: most_frequent}"],
    ["data.impute=constant", "data.impute_constant=-7", "data.clip=3"],
    *([f"data.input_scaling={name}"] for name in ("none", "minmax", "robust", "log1p", "yeo_johnson", "quantile")),
    ["data.input_scalings={number: quantile}"],
    ["data.columns_as={code: numeric}"],
]


@pytest.mark.parametrize("overrides", CHOICES, ids=" ".join)
def test_training_arrays_and_exported_graph_agree(overrides: list[str]) -> None:
    given = columns()
    inputs = fit_inputs(given, config(*overrides))
    for rows in (given, serving(given)):
        array, graph = to_array(inputs, rows), in_graph(inputs, rows)
        assert array.shape == (len(rows["number"]), inputs.n_inputs)
        assert np.isfinite(array).all()
        np.testing.assert_allclose(array, graph, rtol=1e-6, atol=1e-6)


def test_kinds_are_found() -> None:
    assert kinds_of(columns(), config()) == {
        "number": "numeric",
        "code": "category",
        "flag": "boolean",
        "town": "category",
        "when": "date",
    }
    assert kinds_of(columns(), config("data.columns_as={code: numeric}"))["code"] == "numeric"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.columns_as={twon: date}", "data.columns_as: there is no input column 'twon'"),
        ("data.columns_as={number: date}", "column 'number' holds numbers, not dates"),
        ("data.columns_as={town: numeric}", "column 'town' holds text (first: "),
        ("data.columns_as={town: date}", "values that are no dates as year-month-day: "),
        ("data.columns_as={code: boolean}", "column 'code' has other values than 0 and 1"),
        ("data.columns_as={when: category}", "column 'when' has another value in every row"),
        ("data.category_encodings={number: hash}", "'number' is a numeric column; it takes category columns"),
        ("data.category_encodings={code: hash}", "column 'code' holds numbers; hash is for text"),
        ("data.imputes={town: mean}", "data.imputes: 'town' is a category column; it takes numeric columns"),
        ("data.input_scalings={nobody: minmax}", "data.input_scalings: 'nobody' is no input column"),
    ],
)
def test_what_does_not_go_with_a_column(override: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        fit_inputs(columns(), config(override))
    assert message in str(raised.value)


def test_categories_gaps_and_unknown_ones_have_their_places() -> None:
    given = {"town": Text.of(["a", "a", "b", "", "c"])}
    one_hot = to_array(fit_inputs(given, config()), {"town": Text.of(["", "a", "b", "c", "new"])})
    np.testing.assert_array_equal(one_hot, [*np.eye(4), np.zeros(4)])
    rare = fit_inputs(given, config("data.max_categories=1"))
    assert rare.features[0].names == ("town=a", "town=other")
    np.testing.assert_array_equal(to_array(rare, {"town": Text.of(["a", "b", "new"])}), [[1, 0], [0, 1], [0, 1]])
    embedded = fit_inputs(given, config("data.category_encoding=embedding"))
    assert embedded.categories == (5,)
    assert to_array(embedded, {"town": Text.of(["", "c", "new"])}).ravel().tolist() == [0, 3, 4]


def test_embedded_columns_come_last() -> None:
    inputs = fit_inputs(columns(), config("data.category_encodings={code: embedding}"))
    assert [feature.column for feature in inputs.features] == ["number", "flag", "town", "when", "code"]


def test_gaps_are_filled_as_training_rows_say() -> None:
    given = {"a": np.array([1.0, 2.0, 2.0, 9.5, np.nan])}
    options = {"median": 2.0, "mean": 3.625, "most_frequent": 2.0, "constant": -1.0}
    for impute, fill in options.items():
        inputs = fit_inputs(
            given,
            config(f"data.impute={impute}", "data.impute_constant=-1", "data.input_scaling=none"),
        )
        assert to_array(inputs, {"a": np.array([np.nan])}).item() == fill
    flagged = fit_inputs(given, config("data.missing_indicator=true", "data.input_scaling=none"))
    assert to_array(flagged, {"a": np.array([np.nan, 4.0])}).tolist() == [[2, 1], [4, 0]]


@pytest.mark.parametrize("written", FORMATS, ids=lambda written: written.name)
def test_days_are_those_of_the_calendar(written: Any) -> None:
    order = {"year": "%Y", "month": "%m", "day": "%d"}
    mark = {"year-month-day": "-", "day.month.year": "."}.get(written.name, "/")
    style = mark.join(order[field] for field in written.fields[:3])
    dates = [datetime(1600, 1, 1, tzinfo=UTC) + timedelta(days=977 * k) for k in range(250)]
    texts = np.array([f"{date:{style}} 06:00" for date in dates], object)
    expected = np.array([(date - datetime(1970, 1, 1, tzinfo=UTC)).days + 0.25 for date in dates])
    np.testing.assert_array_equal(written.days(NumpyOps(), texts), expected)
    np.testing.assert_array_equal(weekday(NumpyOps(), expected), [date.weekday() for date in dates])


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["2024-01-31", ""], "year-month-day"),
        (["31.1.2024"], "day.month.year"),
        (["1/31/2024"], "month/day/year"),
        (["31/1/2024"], "day/month/year"),
        (["2024/1/31 10:00"], "year/month/day"),
        (["2024-02-30"], None),
        (["hello"], None),
        ([""], None),
    ],
)
def test_format_is_found(texts: list[str], name: str | None) -> None:
    found = format_of(np.array(texts, object))
    assert (found.name if found else None) == name


def test_month_first_is_said_where_it_could_be_day_first(caplog: pytest.LogCaptureFixture) -> None:
    fit_inputs({"when": Text.of(["1/2/2024", "3/4/2024"])}, config())
    assert "1/2/2024 is taken as month/day/year, though it could be day/month/year" in caplog.text


@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "robust", "log1p", "yeo_johnson", "quantile"])
@pytest.mark.parametrize("impute", ["median", "mean"])
def test_numbers_at_the_ends_of_float64_are_scaled_alike(scaling: str, impute: str) -> None:
    """TensorFlow takes numbers below 2e-308 for 0, also the reciprocals by which its graphs divide."""
    ends = np.array([1.7e308, -1.7e308, 1e308, 0.0, -1.0, np.nan, 1e300, -1.6e308])
    given = {
        "wide": np.tile(ends, 5),
        "high": np.tile([1e308, 1.1e308, 1.2e308, np.nan], 10),
        "tiny": np.tile([0.0, 5e-324, 2e-309, 1e-308, np.nan], 8),
        "knots": np.tile([0.0, 5e-324, 1e-300, 1.0, 3.0], 8),
    }
    inputs = fit_inputs(given, config(f"data.input_scaling={scaling}", f"data.impute={impute}"))
    array, graph = to_array(inputs, given), in_graph(inputs, given)
    assert np.isfinite(array).all()
    np.testing.assert_allclose(array, graph, rtol=1e-6, atol=1e-6)


def test_hash_of_all_columns_is_of_text() -> None:
    inputs = fit_inputs(columns(), config("data.category_encoding=hash", "data.hash_buckets=3"))
    kinds = {feature.column: type(feature).__name__ for feature in inputs.features}
    assert (kinds["town"], kinds["code"]) == ("Hashed", "OneHot")


def test_a_category_of_gaps_only() -> None:
    for encoding in ("one_hot", "ordinal", "embedding"):
        given = {"a": np.full(30, np.nan), "t": Text.of([""] * 30)}
        inputs = fit_inputs(given, config(f"data.category_encoding={encoding}", "data.columns_as={a: category}"))
        assert np.isfinite(to_array(inputs, given)).all()
