"""A few texts among the numbers of a target."""

import logging
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.config import Config
from pipeline.data.target import Target

COUNTS = np.random.default_rng(0).integers(0, 41, 2000).astype(object)
DECIMALS = np.random.default_rng(0).normal(50, 5, 2000).round(2).astype(object)


def configured(path: Path, *overrides: str) -> Config:
    return load("data=plain_table", f"data.path='{path}'", "data.target=y", "data.memory_budget=64MB", *overrides)


def target_of(path: Path, *overrides: str) -> Target:
    return data.load(configured(path, *overrides).data).rows.target


def with_texts(column: np.ndarray, **texts: object) -> pd.DataFrame:
    """The column with texts in the given rows: `r12="-"`."""
    column = column.copy()
    for row, text in texts.items():
        column[int(row[1:])] = text
    return pd.DataFrame({"a": np.arange(len(column)) % 17, "y": column})


def pasted(message: str) -> list[str]:
    """The overrides of a message's remedy, as a shell reads them."""
    return shlex.split(re.search(r"set (\S*data\.missing_values=.*? data\.missing_target=drop)", message)[1])  # type: ignore[index]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("column", [COUNTS, DECIMALS], ids=["counts", "decimals"])
@pytest.mark.parametrize("task", ["auto", "regression"])
def test_a_few_texts_in_a_quantity_are_named(tmp_path: Path, column: np.ndarray, streaming: str, task: str) -> None:
    path, words = tmp_path / "t.csv", [f"data.streaming={streaming}", f"data.task={task}", "data.missing_values=[-1]"]
    with_texts(column, r1500="-", r1600="n.k.", r1700="-").to_csv(path, index=False)
    with pytest.raises(DataError) as raised:
        target_of(path, *words)
    message = str(raised.value)
    assert "data.target: column 'y' holds numbers except '-' (2 rows, first row 1500), 'n.k.' (row 1600)" in message
    assert ("data.task=multiclass" in message) == (task == "auto")
    found = target_of(path, *words, *pasted(message))
    assert found.task == "regression"
    assert (found.values != -1).all()  # a mark of before


def test_counts_may_be_classes_if_one_says_so(tmp_path: Path) -> None:
    with_texts(COUNTS, r1500="-", r1600="-").to_csv(tmp_path / "t.csv", index=False)
    rows = data.read_rows(configured(tmp_path / "t.csv", "data.task=multiclass").data)
    assert len(rows.target.classes) == 42


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_a_row_of_a_test_file_is_named_as_such(tmp_path: Path, streaming: str) -> None:
    with_texts(COUNTS).to_csv(tmp_path / "t.csv", index=False)
    with_texts(COUNTS[:500], r7="unknown").to_csv(tmp_path / "test.csv", index=False)
    words = [f"data.split.test_path='{tmp_path / 'test.csv'}'", "data.split.test_fraction=null"]
    with pytest.raises(DataError, match=r"except 'unknown' \(row 7 of data.split.test_path\)\nIf"):
        target_of(tmp_path / "t.csv", *words, f"data.streaming={streaming}")
    texts = with_texts(COUNTS[:500], r7="u", r8="v", r9="w", r10="x")
    texts.to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError, match=r"y holds text \('u' in row 7 of data.split.test_path\), but a regression"):
        target_of(tmp_path / "t.csv", *words, f"data.streaming={streaming}", "data.task=regression")


@pytest.mark.parametrize(
    ("column", "text", "share", "warns"),
    [
        (np.arange(2000) % 10, "other", 0.1, False),
        (np.arange(2000) % 10, "other", 0.001, True),
        (np.arange(2000) % 2, "?!", 0.001, True),
        (np.arange(2000) % 100, "other", 0.2, True),
        (np.array(["yes", "no"] * 1000), "1", 0.001, False),
        (np.array([f"{code:03}" for code in range(100)] * 20), "X", 0.001, False),
        (np.array(["1.5", "2.5", "3.5"] * 667)[:2000], "none of these", 0.01, True),
    ],
)
def test_classes_stay_classes(
    file: Callable[..., Path],
    column: np.ndarray,
    text: str,
    share: float,
    warns: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = pd.DataFrame({"a": range(2000), "y": column.astype(object)})
    frame.loc[np.random.default_rng(1).permutation(2000)[: int(share * 2000)], "y"] = text
    with caplog.at_level(logging.WARNING):
        rows = data.read_rows(configured(file(frame.to_csv(index=False))).data)
    assert text in rows.target.classes
    assert ("so its values are taken for classes" in caplog.text) == warns


def test_numbers_in_several_notations_are_named_as_such(file: Callable[..., Path]) -> None:
    lines = [f'{row},"{row % 50}"' for row in range(500)] + ['1,"1,200"', '1,"2,700"']
    with pytest.raises(DataError, match=r"holds text that looks like numbers.*data.column_formats=\{y: .*1,234.5"):
        data.read_rows(configured(file("\n".join(["a,y", *lines]))).data)


def test_numbers_with_a_decimal_comma(file: Callable[..., Path]) -> None:
    lines = [f"{row};{row % 90},5" for row in range(500)] + ["1;-"]
    with pytest.raises(DataError, match=r"column 'y' holds numbers except '-' \(row 500\)"):
        data.read_rows(configured(file("\n".join(["a;y", *lines])), "data.decimal=','").data)


def test_a_typed_column_of_text_is_to_be_stored_as_numbers(tmp_path: Path) -> None:
    with_texts(COUNTS, r5="-").astype({"y": str}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"except '-' \(row 5\)\nIf these are gaps, store the column as numbers"):
        data.read_rows(configured(tmp_path / "t.parquet").data)
