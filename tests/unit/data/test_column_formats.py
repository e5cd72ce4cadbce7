"""Formatted numbers and dates: read by data.column_formats, reported with the key that reads them, never dropped."""

import itertools
import re
import shlex
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.config.rules import Data
from pipeline.data.reading.notation import number_written

pytestmark = pytest.mark.slow

N = 60
QUANTITY = np.random.default_rng(0).permutation(np.arange(-N // 2, N // 2) * 137 + 12)
DAYS = [date(2019, 1, 5) + timedelta(days=11 * number) for number in range(N)]


def grouped(mark: str, decimal: str = ".", digits: int = 0) -> list[str]:
    return [f"{value:,.{digits}f}".translate(str.maketrans({",": mark, ".": decimal})) for value in QUANTITY]


NUMBERS = {  # how a quantity is written, and the format that reads it
    "currency": ([text.replace("-", "-$") if "-" in text else f"${text}" for text in grouped(",")], "$1,234.5"),
    "currency behind": ([f"{text} €" for text in grouped(".", ",", 2)], "1.234,5€"),
    "ISO code": ([f"CHF {text}" for text in grouped("\u2019")], "CHF1\u2019234.5"),
    "percent": ([f"{value}%" for value in QUANTITY], "1.5%"),
    "percent behind a blank": ([f"{value} %" for value in QUANTITY], "1.5%"),
    "unit": ([f"{value} kg" for value in QUANTITY], "1.5 kg"),
    "unit without blank": ([f"{value}kg" for value in QUANTITY], "1.5 kg"),
    "accounting": ([f"({-value})" if value < 0 else str(value) for value in QUANTITY], "1.5"),
    "sign behind": ([f"{-value}-" if value < 0 else str(value) for value in QUANTITY], "1.5"),
    "typographic minus": ([str(value).replace("-", "\u2212") for value in QUANTITY], "1.5"),
    "German": (grouped(".", ",", 1), "1.234,5"),
    "blank": (grouped(" "), "1 234.5"),
    "no-break space": (grouped("\u00a0"), "1 234.5"),
    "narrow space": (grouped("\u202f", ",", 1), "1 234,5"),
    "Swiss": (grouped("'"), "1\u2019234.5"),
    "decimal comma beside whole numbers": ([str(v) if v % 2 else f"{v},0" for v in QUANTITY], "1,5"),
    "underscore": (grouped("_"), "1_234.5"),
    "power": ([f"{value:.6e} kg" for value in QUANTITY], "1.5 kg"),
}
DATES = {
    "dashes": ([f"{day:%d-%m-%Y}" for day in [d.replace(day=1 + d.day % 12) for d in DAYS]], "%d-%m-%Y", True),
    "short years": ([f"{day:%d/%m/%y}" for day in DAYS], "%d/%m/%y", False),
    "month first": ([f"{day:%m/%d/%y}" for day in DAYS], "%m/%d/%y", False),
    "names of months": ([f"{day:%d-%b-%Y}" for day in DAYS], "%d-%b-%Y", False),
    "long names": ([f"{day:%B %d, %Y}" for day in DAYS], "%B %d, %Y", False),
    "halves of the day": (
        [f"{day:%m/%d/%Y} {1 + n % 12}:05 PM" for n, day in enumerate(DAYS)],
        "%m/%d/%Y %I:%M %p",
        False,
    ),
    "days of the week": ([f"{day:%a, %d %b %Y}" for day in DAYS], "%a, %d %b %Y", False),
    "days of the year": ([f"{day:%Y-%j}" for day in DAYS], "%Y-%j", False),
    "times": ([f"{n % 24:02}:{n % 60:02}" for n in range(N)], "%H:%M", False),
    "times of half a day": ([f"{1 + n % 12}:{n % 60:02} AM" for n in range(N)], "%I:%M %p", False),
    "months": ([f"{2010 + n // 12}-{1 + n % 12:02}" for n in range(N)], "%Y-%m", False),
}


def configured(path: Path, *keys: str) -> Data:
    return load("data=plain_table", f"data.path='{path}'", "data.target=y", *keys).data


def written(table: Callable[..., Path], **columns: object) -> Path:
    return table(**{"x": np.arange(N) / 7, "y": np.arange(N) / 3} | columns)


def pasted(text: str) -> list[str]:
    """The keys that a message gives, as a shell passes them on."""
    found = re.findall(r"'data\.column_formats=\{.*?\}'", text)
    return [shlex.split(key)[0] for key in found]


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize(("texts", "example"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_are_reported_and_read(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, texts: list[str], example: str, streaming: str
) -> None:
    path = written(table, **{"Wall Area (m)": texts})
    data.load(configured(path, f"data.streaming={streaming}"))
    (key,) = pasted(caplog.text)
    assert "is taken for categories: 'Wall Area (m)' (as " in caplog.text
    assert "data.drop" not in caplog.text
    config = configured(path, f"data.streaming={streaming}", key)
    assert config.column_formats == {"Wall Area (m)": example}
    caplog.clear()
    loaded = data.load(config)
    found = np.sort(loaded.rows.inputs["Wall Area (m)"])
    np.testing.assert_array_equal(found, np.sort(QUANTITY).astype(float))
    assert not pasted(caplog.text)
    assert loaded.fit(config).inputs.kinds["Wall Area (m)"] == "numeric"


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize(("texts", "example", "undecided"), DATES.values(), ids=DATES)
def test_dates_are_reported_and_read(
    table: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
    texts: list[str],
    example: str,
    undecided: bool,
    streaming: str,
) -> None:
    path = written(table, day=texts)
    data.load(configured(path, f"data.streaming={streaming}"))
    (key,) = pasted(caplog.text)
    assert ("; or day by '%m-%d-%Y'" in caplog.text) == undecided
    config = configured(path, f"data.streaming={streaming}", key)
    assert config.column_formats == {"day": example}
    loaded = data.load(config)
    expected = {f"{pd.to_datetime(text, format=example):%Y-%m-%dT%H:%M:%S}" for text in texts}
    assert set(loaded.rows.inputs["day"]) == expected
    assert loaded.fit(config).inputs.kinds["day"] == "date"


@pytest.mark.parametrize(("texts", "example"), NUMBERS.values(), ids=NUMBERS)
def test_a_target_in_dress_is_refused_with_the_key_that_reads_it(
    table: Callable[..., Path], texts: list[str], example: str
) -> None:
    path = written(table, y=texts)
    with pytest.raises(DataError, match=r"data.target: 'y' holds text that looks like numbers") as error:
        data.load(configured(path))
    (key,) = pasted(str(error.value))
    target = data.load(configured(path, key)).rows.target
    assert target.task == "regression"
    assert set(target.values[:, 0]) <= set(QUANTITY.astype(float))


def test_few_labels_in_dress_are_refused_too_unless_they_are_said_to_be_classes(table: Callable[..., Path]) -> None:
    texts = np.repeat(NUMBERS["percent"][0][:12], 50)
    path = table(x=np.arange(600) / 7, y=texts)
    with pytest.raises(DataError, match=r"reads it; if they are classes, set data.task=multiclass"):
        data.load(configured(path))
    assert data.load(configured(path, "data.task=multiclass")).rows.target.classes.tolist() == sorted(set(texts))


def test_what_a_few_texts_keep_from_being_dates_is_reported(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    for odd in ("2019-02-30", "2019-03-01 27:75", "2019-03-01 24:00", "2019-03-01 12:60", "soon"):
        caplog.clear()
        data.load(configured(written(table, day=[*map(str, DAYS[1:]), odd])))
        assert f"column 'day' holds dates as year-month-day except {odd!r}, so it is taken for categ" in caplog.text


@pytest.mark.parametrize(
    "texts",
    [
        [f"A{number}" for number in range(N)],
        [f"192.168.{number}.1" for number in range(N)],
        [f"{number}-{number + 5}" for number in range(N)],
        [f"0{number}123" for number in range(N)],
        [f"{number}.{number + 1}.7" for number in range(N)],
        [f"{100 + number}-555-{1000 + number}" for number in range(N)],
        ["5 kg", "10 kg", "20 kg"] * (N // 3),
    ],
    ids=lambda texts: texts[1],
)  # fmt: skip
def test_text_that_is_not_a_number_is_not_reported(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, texts: list[str]
) -> None:
    data.load(configured(written(table, t=texts)))
    assert not caplog.text


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        ('{a: "1.234"}', r"column 'a', row 0: '\$12' is not written as '1.234' in data.column_formats.*; and 57 more"),
        ('{a: "x"}', "a: 'x' shows neither a number, as '1.234,5' does, nor a date, as '%d/%m/%Y' does"),
        ('{a: "1.234.5"}', "a: '1.234.5' shows neither a number"),
        ('{a: "%Q"}', "a: '%Q' is not a date format: 'Q' is a bad directive in format '%Q'"),
        ('{b: "1.5"}', "unknown column 'b'; the columns are"),
        ('{a: "%d"}', r"column 'a', row 0: '\$12' is not written as '%d' in data.column_formats"),
    ],
)
def test_formats_that_read_nothing(table: Callable[..., Path], formats: str, said: str) -> None:
    path = written(table, a=[f"${12 + number}" for number in range(N)])
    with pytest.raises(DataError, match=rf"(?s)data.column_formats: .*{said}"):
        data.load(configured(path, f"data.column_formats={formats}"))


CELLS = {
    "1.234,5": {"1.234,5": 1234.5, "12": 12, "1.234": 1234, "1.234.567,89": 1234567.89, "-3,2": -3.2, "(3,2)": -3.2,
                "3,2-": -3.2, "\u22123,2": -3.2, "1,5e3": 1500, ",5": 0.5, "5,": 5, "+3": 3, "12.5": None, "1.23": None,
                "1,234.5": None, "": None, "-(3)": None, "--3": None, "abc": None, "NaN": None, "inf": None, "५": 5},
    "$1,234.5": {"$1,137": 1137, "$ -5": -5, "-$5": -5, "($5.20)": -5.2, "1,00,000": 1e5, "€5": None, "$0,205": None},
    "1.5 kg": {"3.7 kg": 3.7, "3.7kg": 3.7, "4": 4, "3.7\u00a0kg": 3.7, "3.7 lb": None, "3.7 kg kg": None},
}  # fmt: skip


@pytest.mark.parametrize(("example", "cell"), [(e, c) for e, cells in CELLS.items() for c in cells])
def test_cells(example: str, cell: str) -> None:
    assert number_written(example, cell) == CELLS[example][cell]


def test_a_format_goes_before_what_is_read_without_it(table: Callable[..., Path]) -> None:
    """2019-03-05 by %Y-%d-%m was the fifth of March still."""
    config = configured(
        written(table, day=[f"{day:%Y-%d-%m}" for day in DAYS]), 'data.column_formats={day: "%Y-%d-%m"}'
    )
    assert set(data.load(config).rows.inputs["day"]) == {f"{day}T00:00:00" for day in DAYS}


@pytest.mark.parametrize("target", ["a", "y"])
def test_texts_that_look_the_same_are_reported(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, target: str
) -> None:
    towns = np.resize(["K\u00f6ln", "Ko\u0308ln", "Ulm", "\u6771\u4eac"], N)
    words = [f"data.path={table(a=towns, y=np.arange(N) % 3)}", f"data.target={target}"]
    data.load(load("data=plain_table", *words).data)
    assert "column 'a' has texts that look the same but differ, such as 'K" in caplog.text


def test_a_number_below_1_is_not_a_thousand(table: Callable[..., Path]) -> None:
    """0,205 was proposed to be read as 205."""
    path = table(a=np.arange(N), y=[f"{value / 5000:.3f}".replace(".", ",") for value in QUANTITY])
    with pytest.raises(DataError, match=r"column_formats=\{y: \"1,5\"\}' reads it"):
        data.load(load("data=plain_table", f"data.path={path}", "data.target=y").data)


def test_an_identifier_in_dress_is_not_dropped(table: Callable[..., Path]) -> None:
    path = written(table, price=NUMBERS["currency"][0], id=[f"id{number}" for number in range(N)])
    config = configured(path, "data.drop_useless=true")
    assert list(data.without_useless(data.load(config), config).rows.inputs) == ["x", "price"]
    config = configured(path, "data.column_kinds={price: category}")
    loaded = data.load(config)
    with pytest.raises(
        DataError, match=r"'price' has a different value in every row; to read it as numbers or dates, set 'data.column"
    ):
        loaded.fit(config)


def test_german_thousands_that_look_like_decimals(table: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    values = np.random.default_rng(0).integers(100, 9000, N)
    texts = [f"{value:,}".replace(",", ".") for value in values]
    path = written(
        table, a=texts, honest=[f"{value / 1000:g}" for value in values], fixed=[f"{v / 1000:.3f}" for v in values]
    )
    data.load(configured(path))
    (key,) = pasted(caplog.text)
    assert "column 'a' has whole numbers" in caplog.text
    assert "honest" not in caplog.text
    assert "fixed" not in caplog.text
    assert set(data.load(configured(path, key)).rows.inputs["a"]) == set(values.astype(float))
    with pytest.raises(DataError, match=r"data.target: column 'a' has whole numbers") as error:
        data.load(load("data=plain_table", f"data.path={path}", "data.target=a").data)
    thousands, decimals = pasted(str(error.value))
    for key, expected in ((thousands, values), (decimals, [float(text) for text in texts])):
        target = data.load(load("data=plain_table", f"data.path={path}", "data.target=a", key).data).rows.target
        assert set(target.values[:, 0]) == set(map(float, expected))


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_marks_of_gaps_are_reported(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, streaming: str
) -> None:
    rng = np.random.default_rng(0)

    def with_mark(values: np.ndarray, mark: float = -9999, every: int = 20) -> np.ndarray:
        return np.where(np.arange(2000) % every == 3, mark, values.round(2))

    columns = {
        "a": with_mark(rng.normal(5, 2, 2000)), "b": with_mark(rng.normal(50, 20, 2000)), "c": rng.normal(size=2000),
        "top": with_mark(rng.uniform(0, 40, 2000), 99), "flag": rng.integers(0, 2, 2000),
        "y": with_mark(rng.normal(size=2000)),
    }  # fmt: skip
    path = table(**columns)
    data.load(configured(path, f"data.streaming={streaming}"))
    shown = ", ".join(f"{name!r} (5.0% of rows)" for name in "aby")
    assert f"-9999 is far from all other values of {shown}; if it stands for a gap, " in caplog.text
    assert "and data.missing_target=drop to leave out the rows whose target it is" in caplog.text
    assert "'top'" not in caplog.text
    (key,) = re.findall(r'"(data.missing_values=\[.*?\])"', caplog.text)
    caplog.clear()
    rows = data.load(configured(path, key, "data.missing_target=drop", f"data.streaming={streaming}")).rows
    assert not caplog.text
    assert rows.target.values.min() > -10
    table(**{name: column for name, column in columns.items() if name not in ("b", "y")} | {"y": np.arange(2000.0)})
    data.load(configured(path))
    assert "-9999 is far from all other values of 'a' (5.0% of rows);" in caplog.text


def test_formats_go_on_from_those_that_are_set(table: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    path = written(table, a=NUMBERS["unit"][0], b=NUMBERS["German"][0], d=DATES["short years"][0])
    keys: list[str] = []
    for _, n in itertools.product(range(1), (3, 2)):
        caplog.clear()
        data.load(configured(path, *keys))
        assert len(configured(path, *pasted(caplog.text)).column_formats) == 3
        keys = ['data.column_formats={b: "1.234,5"}'] if n == 3 else keys
    data.load(configured(path, *pasted(caplog.text)))
