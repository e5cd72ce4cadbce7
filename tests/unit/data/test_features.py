"""Raw columns of every kind: found, and fitted on training rows."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pipeline import DataError, load
from pipeline.data.ops import FIELDS, NumpyOps
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.column_kinds import kinds_of
from pipeline.data.preprocessing.network_inputs import fit_inputs
from pipeline.data.reading.dates import FORMATS, format_of, weekday
from pipeline.data.reading.notation import WITH_OFFSET
from pipeline.data.reading.raw_columns import TextArray
from support.columns import of_every_kind


def config(*overrides: str) -> Any:
    return load("data=plain_table", "data.path=x.csv", "data.target=y", *overrides).data


def test_kinds_are_found() -> None:
    assert kinds_of(of_every_kind(), config()) == {
        "number": "numeric",
        "code": "category",
        "flag": "boolean",
        "town": "category",
        "when": "date",
    }
    assert kinds_of(of_every_kind(), config("data.column_kinds={code: numeric}"))["code"] == "numeric"


def test_categories_gaps_and_unknown_ones_have_their_places() -> None:
    given = {"town": TextArray.of(["a", "a", "b", "", "c"])}
    one_hot = to_array(fit_inputs(given, config()), {"town": TextArray.of(["", "a", "b", "c", "new"])})
    np.testing.assert_array_equal(one_hot, [*np.eye(4), np.zeros(4)])
    rare = fit_inputs(given, config("data.max_categories=1"))
    assert rare.features[0].names == ("town=a", "town=other")
    np.testing.assert_array_equal(to_array(rare, {"town": TextArray.of(["a", "b", "new"])}), [[1, 0], [0, 1], [0, 1]])
    embedded = fit_inputs(given, config("data.category_encoding=embedding"))
    assert embedded.categories == (5,)
    assert to_array(embedded, {"town": TextArray.of(["", "c", "new"])}).ravel().tolist() == [0, 3, 4]


def test_embedded_columns_come_last() -> None:
    inputs = fit_inputs(of_every_kind(), config("data.category_encoding.by_column={code: embedding}"))
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


def test_columns_may_have_values_of_their_own() -> None:
    given = {"a": np.array([1.0, 2.0, 6.0, np.nan]), "default": np.array([1.0, 2.0, 6.0, np.nan])}
    words = ["data.impute={default: mean, by_column: {default: median}}", "data.input_scaling=none"]
    rows = {name: np.array([np.nan, 5.0]) for name in given}
    assert to_array(fit_inputs(given, config(*words)), rows).tolist() == [[3, 2], [5, 5]]
    own = "data.input_scaling.by_column.default={shift: 1, scale: 2}"
    assert to_array(fit_inputs(given, config(*words, own)), rows).tolist() == [[3, 0.5], [5, 2]]
    words[1] = "data.input_scaling={default: {shift: 0, scale: [10, 20]}, by_column: {a: none}}"
    assert to_array(fit_inputs(given, config(*words)), rows) == pytest.approx(np.array([[3, 0.1], [5, 0.25]]))
    with pytest.raises(DataError, match=r"data.input_scaling.by_column.a.shift: 2 values for 1 columns"):
        fit_inputs(given, config("data.input_scaling.by_column.a={shift: [1, 2], scale: 1}"))


@pytest.mark.parametrize("written", FORMATS, ids=lambda written: written.name)
def test_days_are_those_of_the_calendar(written: Any) -> None:
    order = {"year": "%Y", "month": "%m", "day": "%d"}
    style = re.sub("year|month|day", lambda field: order[field[0]], written.name.removesuffix(WITH_OFFSET))
    dates = [datetime(1600, 1, 1, tzinfo=UTC) + timedelta(days=977 * k) for k in range(220)]
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
        (["20190507T000000", "20190508T1030", ""], "yearmonthday"),
        (["20190507", "20191231"], "yearmonthday"),
        (["01020304"], None),  # a code
        (["2019.01.31"], "year.month.day"),
        (["31-12-2015", "3-11-2015"], "day-month-year"),
        (["12-31-2015"], "month-day-year"),
        (["03-11-2015"], None),  # of which no day above 12 says which it is
        (["2020-03-01T10:30:00+02:00", "2020-03-01 10:30"], "year-month-day with offset"),
        (["2020-03-01 10:30:00 -0330", "2020-03-01T10:30Z"], "year-month-day with offset"),
        (["20200301T103000+0545"], "yearmonthday with offset"),
        (["2020-03-01T10:30-00:30"], None),
        (["2020-03-01 27:75"], None),
        (["2020-03-01 24:00"], None),
        (["2020-03-01 12:60"], None),
        (["20200301T246000"], None),
        (["2024-02-30"], None),
        (["hello"], None),
        ([""], None),
    ],
)
def test_format_is_found(texts: list[str], name: str | None) -> None:
    found = format_of(np.array(texts, object))
    assert (found.name if found else None) == name


@pytest.mark.parametrize("offset", ["+02:00", "-03:30", "+0545", "+14:00", "-12", "Z", " +0100", ""])
def test_an_offset_makes_an_instant(offset: str) -> None:
    moments = [
        datetime(2019, 12, 31, 22, 15, 30),
        datetime(2020, 3, 1, 0, 5),
        datetime(2000, 2, 29, 23, 59, 59),
        datetime(1899, 1, 1),
    ]
    texts = [f"{moment:%Y-%m-%dT%H:%M:%S}{offset}" for moment in moments]
    style = "%Y-%m-%dT%H:%M:%S%z"
    zone = {"": "Z", "-12": "-1200"}.get(offset, offset.strip())
    instants = [datetime.strptime(f"{m:%Y-%m-%dT%H:%M:%S}{zone}", style).astimezone(UTC) for m in moments]
    (written,) = (known for known in FORMATS if known.name == "year-month-day with offset")
    fields = written.parse(NumpyOps(), np.array([*texts, "", "x"], object))
    for field in FIELDS:
        assert fields[field][:-2].tolist() == [getattr(instant, field) for instant in instants]
        assert np.isnan(fields[field][-2:]).all()
    days = written.days(NumpyOps(), np.array(texts, object))
    np.testing.assert_allclose(days, [instant.timestamp() / 86400 for instant in instants], rtol=0, atol=1e-9)


def test_month_first_is_said_where_it_could_be_day_first(caplog: pytest.LogCaptureFixture) -> None:
    fit_inputs({"when": TextArray.of(["1/2/2024", "3/4/2024"])}, config())
    assert "1/2/2024 is taken as month/day/year, though it could be day/month/year" in caplog.text


def test_hash_of_all_columns_is_of_text() -> None:
    inputs = fit_inputs(of_every_kind(), config("data.category_encoding=hash", "data.hash_buckets=3"))
    kinds = {feature.column: type(feature).__name__ for feature in inputs.features}
    assert (kinds["town"], kinds["code"]) == ("Hashed", "OneHot")


def test_a_category_of_gaps_only() -> None:
    for encoding in ("one_hot", "ordinal", "embedding"):
        given = {"a": np.full(30, np.nan), "t": TextArray.of([""] * 30)}
        inputs = fit_inputs(given, config(f"data.category_encoding={encoding}", "data.column_kinds={a: category}"))
        assert np.isfinite(to_array(inputs, given)).all()


def test_auto_makes_few_categories_one_hot_and_embeds_many() -> None:
    few, many = (TextArray.of([f"c{row % n}" for row in range(100)]) for n in (20, 21))
    inputs = fit_inputs({"few": few, "many": many}, config("data.category_encoding=auto"))
    assert (inputs.n_inputs, inputs.categories) == (21, (22,))


def test_quantities_are_numbers_and_times_that_differ() -> None:
    n = 40
    columns = {
        "town": TextArray.of([f"t{row % 3}" for row in range(n)]),
        "size": np.where(np.arange(n) % 7, np.arange(n) * 1.0, np.nan),
        "same": np.ones(n),
        "day": TextArray.of([f"2024-01-{1 + row % 28:02}" for row in range(n)]),
    }
    inputs = fit_inputs(columns, config("data.missing_indicator=true"))
    assert [inputs.names[place] for place in inputs.numbers] == ["size", "day elapsed"]  # the year is one
