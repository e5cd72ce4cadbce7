"""One way in for raw values: a cell means the same, or is refused by row and column, by whichever way it comes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fuzz.cells import cell_differences
from support.six_ways import Asked, Refused
from support.six_ways_models import GAP, base, expected, models_in

REFUSED, NBSP = object(), "\u00a0"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asked]]:
    """One of each kind of table."""
    with models_in(tmp_path_factory.mktemp("models")) as found:
        yield found


TEXTS: list[tuple[str, str, dict[str, Any]]] = [
    ("csv", "size", {
        "12.5": 12.5, " 12.5 ": 12.5, f"12.5{NBSP}": 12.5, "+12.5": 12.5, "1.25e1": 12.5, "7": 7.0,
        "1e30": 1e30, "": GAP, "?": GAP, " NA ": GAP, "None": GAP, "nan": GAP, "-9999": GAP, "-9999.0": GAP,
        "-9.999e3": GAP, "unknown": GAP, "1e31": REFUSED, "-1e31": REFUSED, "1e400": REFUSED, "inf": REFUSED,
        "-Infinity": REFUSED, "1_000": REFUSED, "1,000": REFUSED, "12,5": REFUSED, f"1{NBSP}000": REFUSED, "NAN": GAP, "nAn": REFUSED,
        "wide": REFUSED, "True": REFUSED, " false ": REFUSED, "12.5 m": REFUSED, "५": REFUSED, "0x10": REFUSED, "2020-01-15": REFUSED,
    }),
    ("csv", "age", {"33": 33.0, "": GAP, "?": GAP, "-9999": GAP, "unknown": GAP, "old": REFUSED}),
    ("csv", "code", {"2": 2.0, "2.0": 2.0, " 2 ": 2.0, "7": 7.0, "2.5": 2.5, "": GAP, "two": REFUSED, "TRUE": REFUSED}),
    ("csv", "garden", {"True": 1.0, "false": 0.0, "tRue": 1.0, " TRUE ": 1.0, "": GAP, "yes": REFUSED, "1000": REFUSED, "0.5": REFUSED}),
    ("csv", "town", {
        "Bern": "Bern", " Bern ": "Bern", f"{NBSP}Bern": "Bern", "St. Gallen, SG": "St. Gallen, SG", "Atlantis": "Atlantis",
        "12": "12", "": GAP, " ": GAP, "?": GAP, "None": GAP, "NA": GAP, "unknown": GAP, "-9999": GAP,
    }),
    ("csv", "note", {"good": "good", " good": "good", "": GAP, "?": GAP, "unknown": GAP}),
    ("csv", "level", {"1": "1", " 2 ": "2", "x": "x", "1.0": "1.0", "7": "7"}),
    ("csv", "zip", {"02134": "02134", "2134": "2134", "10001": "10001"}),
    ("csv", "flag", {"True": "True", "true": "true"}),
    ("csv", "day", {
        "2020-03-01": "2020-03-01", " 2020-03-01 ": "2020-03-01", "2020-3-1": "2020-03-01",
        "2020-03-01T10:30:00": "2020-03-01T10:30:00", "2020-03-01 10:30Z": "2020-03-01T10:30:00",
        "2020-02-29": "2020-02-29", "": GAP, "?": GAP, "unknown": GAP, "01.03.2020": REFUSED, "03/01/2020": REFUSED,
        "2021-02-29": REFUSED, "2020-02-30": REFUSED, "2020-03-01 27:75": REFUSED, "2020-03-01 24:00": REFUSED,
        "2020-03-01 12:60": REFUSED, "2020-03-01T10:30:00+02:00": "2020-03-01T08:30:00",
        "2020-03-01 23:30 -0330": "2020-03-02T03:00:00", "someday": REFUSED, "43891": REFUSED, "20200301": REFUSED,
    }),
    ("csv", "seen", {"2020-03-01": "2020-03-01", "": GAP, "-9999": GAP, "2020-02-30": REFUSED}),
    ("csv", "yes", {"True": 1.0, "false": 0.0, "": GAP, "yes": REFUSED}),
    ("comma", "size", {
        "12,5": 12.5, " 12,5 ": 12.5, "12": 12.0, "1,25e1": 12.5, "": GAP, "-9999": GAP, "-9999,0": GAP, "12.5": REFUSED,
        "1.234": REFUSED, "1.234,5": REFUSED, "1,2,3": REFUSED, "1e31": REFUSED,
    }),
    ("comma", "town", {"Bern": "Bern", "1.5": "1.5", "?": GAP}),
    ("dress", "price", {
        "$1,137": 1137.0, "1,137.50": 1137.5, " $ 12 ": 12.0, f"$12{NBSP}": 12.0, "(3.20)": -3.2, "-$3.20": -3.2, "3.2-": -3.2,
        "\u22123.2": -3.2, "12": 12.0, "1e3": 1000.0, "": GAP, "?": GAP, "-9999": GAP, "unknown": GAP, "-9,999": GAP, "€12": REFUSED,
        "1.137,5": REFUSED, "$1,13": REFUSED, "12,5": REFUSED, "1e31": REFUSED, "inf": REFUSED, "true": REFUSED, "dear": REFUSED,
    }),
    ("dress", "weight", {
        "3,7 kg": 3.7, "3,7kg": 3.7, "4": 4.0, f"3,7{NBSP}kg": 3.7, "": GAP, "-9999": GAP, "-9999,0 kg": GAP, "3.7 kg": REFUSED,
        "3,7 lb": REFUSED, "kg": REFUSED,
    }),
    ("dress", "born", {
        "31/01/19": "2019-01-31T00:00:00", " 1/2/99 ": "1999-02-01T00:00:00", "2019-01-31": "2019-01-31", "": GAP, "unknown": GAP,
        "30/02/19": REFUSED, "01/31/19": REFUSED, "31/01/2019": REFUSED, "31.01.19": REFUSED, "43891": REFUSED, "soon": REFUSED,
    }),
    ("dress", "at", {
        "09:15 AM": "1900-01-01T09:15:00", "9:15 PM": "1900-01-01T21:15:00", "12:00 am": "1900-01-01T00:00:00", "": GAP,
        "13:15 PM": REFUSED, "09:15": REFUSED, "09:75 AM": REFUSED,
    }),
    ("dates", "zone", {
        "2020-03-01T10:30:00+02:00": "2020-03-01T08:30:00", "2020-03-01": "2020-03-01", "2020-03-01 10:30Z": "2020-03-01T10:30:00",
        "2020-03-01 23:30 -0330": "2020-03-02T03:00:00", "2020-01-01T00:10+14": "2019-12-31T10:10:00", "": GAP,
        "2020-03-01T10:30+02:60": REFUSED, "2020-02-30T10:30+02:00": REFUSED, "2020-03-01T27:30+02:00": REFUSED,
        "20200301T1030": REFUSED,
    }),
    ("dates", "basic", {
        "20200301T103000": "2020-03-01T10:30:00", "20200301": "2020-03-01", "20200301T1030+0200": "2020-03-01T08:30:00", "?": GAP,
        "20200230": REFUSED, "20200301T276000": REFUSED, "2020-03-01": REFUSED, "202003": REFUSED,
    }),
    ("dates", "dashes", {
        "31-12-2019": "2019-12-31", "3-11-2019 10:30": "2019-11-03T10:30:00", "": GAP, "12-31-2019": REFUSED, "2019-12-31": REFUSED,
    }),
]  # fmt: skip
ZURICH = datetime.datetime(2020, 3, 1, 11, 30, tzinfo=ZoneInfo("Europe/Zurich"))
TYPED: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    ("csv", "size", [
        (12.5, 12.5), (7, 7.0), (True, 1.0), (Decimal("12.50"), 12.5), (np.float32(12.5), 12.5), (np.int8(7), 7.0),
        (np.True_, 1.0), (1e30, 1e30), (None, GAP), (np.nan, GAP), (pd.NA, GAP), (Decimal("nan"), GAP), (-9999, GAP),
        (-9999.0, GAP), (Decimal(-9999), GAP), (1e31, REFUSED), (10**31, REFUSED), (10**400, REFUSED), (np.inf, REFUSED),
        (-np.inf, REFUSED), (Decimal("1e31"), REFUSED), ([1], REFUSED), ({"a": 1}, REFUSED), (b"1", REFUSED),
        (datetime.date(2020, 3, 1), REFUSED), (datetime.datetime(2020, 3, 1), REFUSED),
        (datetime.timedelta(seconds=12.5), 12.5),
    ]),
    ("csv", "age", [(33, 33.0), (None, GAP), (np.nan, GAP), (-9999, GAP)]),
    ("csv", "code", [(2, 2.0), (2.0, 2.0), (Decimal(2), 2.0), (True, 1.0), (7, 7.0), (None, GAP)]),
    ("csv", "garden", [(True, 1.0), (False, 0.0), (1, 1.0), (0.0, 0.0), (2, REFUSED), (0.5, REFUSED), (None, GAP)]),
    ("csv", "town", [
        (None, GAP), (np.nan, GAP), (pd.NA, GAP), (-9999, GAP), (-9999.0, GAP), (3, REFUSED), (1.5, REFUSED), (True, REFUSED),
        (Decimal(3), REFUSED), (b"Bern", REFUSED), (["Bern"], REFUSED),
    ]),
    ("csv", "note", [("good", "good"), (None, GAP), (-9999, GAP)]),
    ("csv", "level", [
        (1, "1"), (1.0, "1"), (Decimal("1.0"), "1"), (np.int64(2), "2"), (np.float32(2), "2"), (7, "7"), (7.0, "7"),
        (2**60, str(2**60)), (2.0**60, REFUSED), (1.5, REFUSED), (True, REFUSED), (None, GAP),
    ]),
    ("csv", "zip", [(2134, "02134"), (2134.0, "02134"), (10001, "10001"), (2135, REFUSED), (None, GAP)]),
    ("csv", "flag", [(True, "True"), (np.False_, "False"), (1, REFUSED), (None, GAP)]),
    ("csv", "day", [
        (datetime.date(2020, 3, 1), "2020-03-01"), (datetime.datetime(2020, 3, 1, 10, 30), "2020-03-01T10:30:00"),
        (pd.Timestamp("2020-03-01T10:30:00.5"), "2020-03-01T10:30:00"), (ZURICH, "2020-03-01T10:30:00"),
        (np.datetime64("2020-03-01T10:30"), "2020-03-01T10:30:00"), (pd.NaT, GAP), (None, GAP), (-9999, GAP), (43891, REFUSED),
        (True, REFUSED), (datetime.time(10, 30), REFUSED),
    ]),
    ("comma", "size", [(12.5, 12.5), (Decimal("12.5"), 12.5), (12, 12.0), (-9999, GAP)]),
    ("dress", "price", [(12.5, 12.5), (Decimal("12.5"), 12.5), (True, 1.0), (-9999, GAP), (None, GAP), (np.inf, REFUSED)]),
    ("dress", "born", [
        (datetime.date(2020, 3, 1), "2020-03-01"), (ZURICH, "2020-03-01T10:30:00"), (pd.NaT, GAP), (43891, REFUSED),
        (20200301, REFUSED), (True, REFUSED),
    ]),
    ("dates", "zone", [
        (datetime.date(2020, 3, 1), "2020-03-01"), (ZURICH, "2020-03-01T10:30:00"),
        (pd.Timestamp("2020-03-01T10:30:00.5"), "2020-03-01T10:30:00"), (None, GAP), (43891, REFUSED),
    ]),
    ("dates", "basic", [(ZURICH, "2020-03-01T10:30:00"), (20200301, REFUSED), (43891, REFUSED)]),
    ("dates", "dashes", [(datetime.date(2020, 3, 1), "2020-03-01"), (pd.Timestamp("2020-03-01T10:30"), "2020-03-01T10:30:00")]),
    ("parquet", "size", [(12.5, 12.5), ("12.5", 12.5), ("NA", GAP), ("?", GAP), (-9999, GAP), ("-9999", GAP), ("a", REFUSED)]),
    ("parquet", "garden", [(True, 1.0), (0, 0.0), ("false", 0.0)]),
    ("parquet", "land", [("NA", "NA"), (" NA ", "NA"), ("?", "?"), ("", GAP), ("unknown", GAP), ("-9999", GAP), (3, REFUSED)]),
    ("parquet", "day", [(pd.Timestamp("2020-03-01"), "2020-03-01"), (ZURICH, "2020-03-01T10:30:00"), ("2020-03-01", "2020-03-01"),
                        ("2020-03-01 27:75", REFUSED), (None, GAP)]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "column", "cells"), TEXTS, ids=[f"{model}-{column}" for model, column, _ in TEXTS])
def test_text_has_one_meaning(
    models: dict[str, Asked], tmp_path: Path, model: str, column: str, cells: dict[str, Any]
) -> None:
    asked, means = models[model], {cell: means for cell, means in cells.items() if means is not REFUSED}
    found = dict(asked.text(column, list(means), tmp_path))
    assert len(found) == 12
    assert found == dict.fromkeys(found, expected(asked, column, base(asked, column), *means.values()))
    values = {value for value in means.values() if value is not GAP}
    said = {round(expected(asked, column, value).predictions[0], 2) for value in values}
    assert len(said) >= min(len(values), 2)  # else the above would prove nothing


BAD_TEXTS = [
    (model, column, cell) for model, column, cells in TEXTS for cell, means in cells.items() if means is REFUSED
]


@pytest.mark.parametrize(("model", "column", "cell"), BAD_TEXTS)
def test_what_has_no_meaning_is_refused_everywhere(
    models: dict[str, Asked], tmp_path: Path, model: str, column: str, cell: str
) -> None:
    found = dict(models[model].text(column, [cell], tmp_path))
    assert len(found) == 12
    assert found == dict.fromkeys(found, Refused())


@pytest.mark.parametrize(
    ("model", "column", "cell", "means"),
    [(model, column, cell, means) for model, column, cells in TYPED for cell, means in cells],
)
def test_a_value_with_a_type_has_one_meaning(
    models: dict[str, Asked], tmp_path: Path, model: str, column: str, cell: Any, means: Any
) -> None:
    asked = models[model]
    found = dict(asked.typed(column, cell, tmp_path))
    assert len(found) >= 3
    if means is REFUSED:
        assert found == dict.fromkeys(found, Refused())
        return
    below, twice = expected(asked, column, base(asked, column), means), expected(asked, column, means, means)
    alone = {"frame", "pyfunc of its type", "Arrow", "Parquet file"}
    assert found == {way: twice if way in alone else below for way in found}


COLUMNS: list[tuple[str, str, Any, list[Any]]] = [
    ("csv", "size", pd.array([12, None, -9999], "Int64"), [12.0, GAP, GAP]),
    ("csv", "size", pd.array([12.5, None], "Float64"), [12.5, GAP]),
    ("csv", "size", pd.array([True, None], "boolean"), [1.0, GAP]),
    ("csv", "size", pd.Categorical([12.5, None, 12.5]), [12.5, GAP, 12.5]),
    ("csv", "size", pd.Categorical([" 12.5", "?", "-9999"]), [12.5, GAP, GAP]),
    ("csv", "size", pd.array(["12.5", None], "string"), [12.5, GAP]),
    ("csv", "size", np.array([1, 2], np.uint8), [1.0, 2.0]),
    ("csv", "size", pd.to_timedelta([12.5, None], unit="s"), [12.5, GAP]),
    ("csv", "size", pd.array([12, None], pd.ArrowDtype(pa.int32())), [12.0, GAP]),
    ("csv", "size", pd.array([Decimal("12.5"), None], pd.ArrowDtype(pa.decimal128(9, 2))), [12.5, GAP]),
    ("csv", "level", [1, None], ["1", GAP]),  # whole numbers with a gap: floats to pandas
    ("csv", "level", pd.array([1, None, 2], "Int64"), ["1", GAP, "2"]),
    ("csv", "level", pd.Categorical([1, 2]), ["1", "2"]),
    ("csv", "zip", [2134, None], ["02134", GAP]),
    ("csv", "flag", pd.array([True, None], "boolean"), ["True", GAP]),
    ("csv", "town", pd.Categorical([" Bern ", None, "unknown"]), ["Bern", GAP, GAP]),
    ("csv", "town", [np.nan, np.nan], [GAP, GAP]),  # as read_csv gives a column of gaps
    ("csv", "day", pd.to_datetime(["2020-03-01", None]), ["2020-03-01", GAP]),
    ("csv", "day", pd.to_datetime(["2020-03-01T10:30Z"]).tz_convert("Asia/Tokyo"), ["2020-03-01T10:30:00"]),
    ("csv", "day", pd.Categorical(pd.to_datetime(["2020-03-01"])), ["2020-03-01"]),
    ("csv", "day", pd.array([datetime.date(2020, 3, 1), None], pd.ArrowDtype(pa.date32())), ["2020-03-01", GAP]),
]


@pytest.mark.parametrize(
    ("model", "column", "values", "means"), COLUMNS, ids=lambda about: str(getattr(about, "dtype", ""))
)
def test_columns_of_any_dtype(
    models: dict[str, Asked], tmp_path: Path, model: str, column: str, values: Any, means: list[Any]
) -> None:
    asked = models[model]
    found = dict(asked.column(column, values, tmp_path))
    assert found == dict.fromkeys(found, expected(asked, column, *means))


@pytest.mark.slow
def test_drawn_cells_have_one_meaning() -> None:
    """`make fuzz CELLS=2000` draws more."""
    assert cell_differences(200, seed=1) == []
