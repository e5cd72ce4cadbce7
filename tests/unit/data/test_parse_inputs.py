"""Values of input columns: a whole column is read as each value alone, and wrong values are reported by row."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import data, load
from pipeline.data.reading import input_column as of_values
from pipeline.data.reading import notation
from pipeline.data.reading import parse_inputs as of_columns
from pipeline.data.reading.input_column import InputColumn, columns_of
from pipeline.data.reading.parse_inputs import Coded, Fault, ValuesError, clean
from support.input_columns import number, text

NUMBER, TEXT = number("a", "-9999", "unknown", gaps=False), text("a", "-9999", "unknown", gaps=False)
LEVELS = InputColumn(**{**vars(text("a", "-9999")), "numbers": ("1", "2", "True")})
DATE = text("a", date="day.month.year")
TYPED = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(allow_nan=False), st.dates(), st.datetimes(),
    st.sampled_from([pd.NA, pd.NaT, np.nan, -9999, -9999.0, b"", [], {}, 2**60, 2.0**60, np.float32(0.1), 10**400]),
)  # fmt: skip
WRITTEN = st.one_of(
    st.text(max_size=12),
    st.from_regex(r" ?[+-]?[0-9_]{0,4}[.,]?[0-9]{0,3}([eE][+-]?[0-9]{1,3})? ?", fullmatch=True),
    st.sampled_from(["inf", "-Infinity", "nan", "NAN", "?", " NA", "true", "FALSE", "-9999", "unknown", "01.02.2020"]),
)


def alone(column: InputColumn, value: Any) -> tuple[Any, str | None]:
    try:
        return (column.text_of if column.is_text else column.number_of)(value), None
    except ValueError as error:
        return None, str(error)


def together(column: InputColumn, values: Any) -> list[tuple[Any, str | None]]:
    n_rows = len(values.codes) if isinstance(values, Coded) else len(values)
    try:
        return [(value, None) for value in clean([column], {"a": values}).columns["a"].tolist()]
    except ValuesError as error:
        problems = {fault.row: fault.problem for fault in error.faults}
        return [(None, problems.get(row)) for row in range(n_rows)]


def agree(found: list[tuple[Any, str | None]], expected: list[tuple[Any, str | None]]) -> None:
    assert [problem for _, problem in found] == [problem for _, problem in expected]
    if all(problem is None for _, problem in expected):
        for (one, _), (other, _) in zip(found, expected, strict=True):
            assert one == other or (one != one and other != other)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(TYPED, WRITTEN), max_size=5), st.sampled_from([NUMBER, TEXT, LEVELS, DATE]))
def test_a_column_means_what_its_values_mean(values: list[Any], column: InputColumn) -> None:
    expected = [alone(column, value) for value in values]
    agree(together(column, values), expected)
    agree(together(column, pd.Series(values, dtype=object)), expected)
    agree(together(column, Coded(np.arange(len(values))[::-1], values[::-1])), expected)
    many = values * 30
    agree(together(column, many), expected * 30)


@settings(max_examples=60, deadline=None)
@given(st.lists(WRITTEN, min_size=1, max_size=90), st.sampled_from([NUMBER, TEXT, DATE]))
def test_texts_mean_the_same_in_every_dtype(values: list[str], column: InputColumn) -> None:
    expected = [alone(column, value) for value in values]
    for dtype in ("str", "string", "category"):
        agree(together(column, pd.Series(values, dtype=dtype)), expected)


def test_faults_are_reported_by_row_and_the_message_has_the_first_of_each_column() -> None:
    columns = [number("a"), text("b", date="year-month-day"), number("c")]
    values = {"a": [1, "x", 1e31], "b": ["2020-02-30", "", "soon"], "c": [1, 2, 3]}
    with pytest.raises(ValuesError) as error:
        clean(columns, values, first_row=100)
    assert [(fault.row, fault.column) for fault in error.value.faults] == [
        (100, "b"), (101, "a"), (102, "a"), (102, "b")
    ]  # fmt: skip
    assert error.value.faults[2] == Fault(102, "a", "1e+31 is beyond 1e+30, but values must be finite or gaps")
    said = str(error.value)
    assert said.startswith(
        "column 'b', row 100: '2020-02-30' is not a date as year-month-day, the format in training; "
    )
    assert "column 'a', row 101: 'x' is not a number" in said
    assert said.endswith("; and 2 more such values")


def test_what_a_manifest_says_of_a_column_comes_back() -> None:
    for column in (NUMBER, TEXT, LEVELS, DATE, InputColumn("x", "x", "numeric", "float64", (None, 4), False, None)):
        about = json.loads(json.dumps({column.name: column.to_json()}))
        written = json.loads(json.dumps(vars(column.text)))
        assert columns_of(about, written) == {column.name: column}


def test_rows_of_an_array() -> None:
    column = InputColumn("x", "x", "numeric", "float64", (None, 3), gaps=False, fill=None)
    rows = [[1, 2.5, True], (4, 5, Decimal(6)), np.array([7, 8, 9])]
    np.testing.assert_array_equal(clean([column], {"x": rows}).columns["x"], [[1, 2.5, 1], [4, 5, 6], [7, 8, 9]])
    assert clean([column], {"x": np.zeros((0, 3))}).columns["x"].shape == (0, 3)
    assert clean([column], {"x": []}).columns["x"].shape == (0, 3)
    with pytest.raises(ValuesError) as error:
        clean([column], {"x": [[1, 2], 3, [1, None, 3], [1, "b", np.inf], [1, 2, 3]]})
    assert [fault.problem.partition(";")[0] for fault in error.value.faults] == [
        "a list of 2 values, 3 are expected", "3 is a number, a list of 3 numbers is expected",
        "a gap, but training had none and nothing replaces it", "at 1: 'b' is not a number",
    ]  # fmt: skip


def test_the_files_that_an_mlflow_model_carries_need_numpy_and_pandas_only(tmp_path: Path) -> None:
    program = """
import sys, types
sys.modules["pipeline"] = None
for path in sys.argv[1:]:
    name = path.rpartition("/")[2][:-3]
    sys.modules[name] = module = types.ModuleType(name)
    source = open(path, encoding="utf-8").read()
    source = source.replace("from pipeline.data.reading.notation import", "from notation import")
    exec(source, module.__dict__)
column = sys.modules["input_column"].InputColumn("a", "a", "numeric", "float64", (None,), False, 2.0)
print(sys.modules["parse_inputs"].clean([column], {"a": [" 1.5 ", "?", 3]}))
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow", "keras", "mlflow", "sklearn", "hydra", "pydantic"}))
"""
    line = [sys.executable, "-I", "-c", program, notation.__file__, of_values.__file__, of_columns.__file__]
    ended = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"
    assert "array([1.5, nan, 3. ])" in ended.stdout


def test_dates_before_the_common_era_of_pandas_and_far_ahead() -> None:
    for year in (1, 476, 1677, 2262, 9999):
        found = clean([text("a", date="year-month-day")], {"a": [datetime.date(year, 2, 3)]}).columns["a"]
        assert found.tolist() == [f"{year:04}-02-03T00:00:00"]


def test_a_no_break_space_is_a_blank_in_a_file_of_any_size(tmp_path: Path) -> None:
    for n_rows in (40, 60_000):
        path = tmp_path / "t.csv"
        numbers = [f"{row}.5\u00a0" for row in range(n_rows)]
        pd.DataFrame({"a": numbers, "y": np.arange(n_rows)}).to_csv(path, index=False)
        inputs = data.read_rows(
            load("data=plain_table", f"data.path={path}", "data.target=y", "data.task=regression").data
        ).inputs
        assert inputs["a"].dtype == np.float64
        assert inputs["a"][3] == 3.5
