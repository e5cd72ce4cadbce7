"""Infinite values and those beyond all measure: named with a remedy that works as it is written."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline import DataError, data, load
from pipeline.export.model_columns import raw_columns
from pipeline.inference.batch.parse_blocks import BlockParser
from pipeline.inference.http.request_errors import RefusedError
from pipeline.inference.http.request_values import check
from support.input_columns import number

N = 40


def written(folder: Path, column: str, *values: object) -> tuple[str, ...]:
    table = pd.DataFrame({"a": np.arange(N) + 0.5, "b": np.arange(N) % 7, "y": np.arange(N) * 1.5}).astype(object)
    for row, value in enumerate(values):
        table.loc[3 + row, column] = value
    table.to_csv(folder / "t.csv", index=False)
    return "data=plain_table", f"data.path={folder / 't.csv'}", "data.target=y"


def advice(message: str) -> list[str]:
    """The overrides in quotation marks, as a shell would give them."""
    return [shlex.split(found)[0] for found in re.findall(r'"data\.[^"]*"', message)]


@pytest.mark.parametrize("values", [("inf",), ("-inf", "inf"), ("1e300",), ("1e300", "-1e31", "inf")])
def test_the_advice_for_inputs_works(tmp_path: Path, values: tuple[str, ...]) -> None:
    keys = [*written(tmp_path, "a", *values), "data.missing_values=[-999,none]"]
    with pytest.raises(
        DataError, match=r"column 'a' has .* values, first in row 3\nInputs must be finite, and at most 1e\+30"
    ) as error:
        data.read_rows(load(*keys).data)
    (override,) = advice(str(error.value))
    rows = data.read_rows(load(*keys[:-1], override).data)
    assert np.flatnonzero(np.isnan(np.asarray(rows.inputs["a"]))).tolist() == list(range(3, 3 + len(values)))


def test_the_advice_for_targets_works(tmp_path: Path) -> None:
    keys = [*written(tmp_path, "y", "inf", "-inf"), "data.task=regression"]
    with pytest.raises(
        DataError, match=r"data.missing_target=drop \"data.missing_values=\[.*\]\" leaves rows without one out"
    ) as error:
        data.read_rows(load(*keys).data)
    rows = data.read_rows(load(*keys, "data.missing_target=drop", *advice(str(error.value))).data)
    assert len(rows) == N - 2


@pytest.mark.parametrize(("value", "said"), [(1e300, r"1e\+300 is beyond 1e\+30"), (-np.inf, "-inf is infinite")])
def test_new_rows_have_the_same_bounds(value: float, said: str) -> None:
    message = f"column 'a', row {{}}: {said}, but values must be finite or gaps"
    for column in ([0.5, None, 1e30, value], ["0.5", "", "1e30", repr(value)]):
        with pytest.raises(DataError, match=message.format(13)):
            BlockParser([number("a")]).columns(pa.table({"a": column}), 10)
        with pytest.raises(DataError, match=message.format(3)):
            raw_columns([number("a")], {"a": column})
    with pytest.raises(RefusedError, match=f"row 1, column 'a': {said}"):
        check([number("a")], {"a": [1e30, value]}, strict=False)
