"""Columns whose text is to be kept: 1.1 and 1.10 are two categories, and ids of 19 digits stay apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import data, load
from pipeline.data.reading.raw_columns import RawColumn, TextArray

N = 40


def column(path: Path, name: str, *keys: str) -> RawColumn:
    config = load("data=plain_table", f"data.path='{path}'", "data.target=y", *keys).data
    return data.load(config).rows.inputs[name]


def values(raw: RawColumn) -> set[object]:
    return {value for value in np.asarray(raw).tolist() if value not in ("",) and value == value}


IDS = [str(1234567890123456780 + number) for number in range(6)]
KEPT = [
    (["1.1", "1.10"], True),
    (["12E5", "120E4", "3"], True),
    (["1", "1.0"], True),
    (["1e5", "100000"], True),
    (["7", "+7"], True),
    (["0.5", ".5"], True),
    (["9007199254740993", "9007199254740992"], True),
    (IDS, True),
    (["0x10", "16"], True),
    (["-0", "0"], True),
    (["True", "true"], True),
    (["1", "2", "30"], False),
    (["0.5", "2", "-1.25"], False),
]


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("gap", ["", "5 "])
@pytest.mark.parametrize(("texts", "is_text"), KEPT)
def test_a_declared_category_keeps_its_text(
    table: Callable[..., Path], texts: list[str], is_text: bool, gap: str, streaming: str
) -> None:
    path = table(a=np.resize([*texts, gap], N), b=np.arange(N) / 7, y=np.arange(N) / 3)
    found = column(path, "a", "data.column_kinds={a: category}", f"data.streaming={streaming}")
    expected = {*texts, *filter(None, [gap.strip()])}
    assert isinstance(found, TextArray) == is_text
    assert values(found) == (expected if is_text else set(map(float, expected)))


def test_parquet_keeps_its_text_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.resize(["1.1", "1.10", "2"], N), "y": np.arange(N) / 3})
    frame.to_parquet(tmp_path / "t.parquet")
    assert values(column(tmp_path / "t.parquet", "a", "data.column_kinds={a: category}")) == {"1.1", "1.10", "2"}


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("style", ["12345678901234567{}", "1.{}0,1.{}00,1.{}1", "{},+{},{}.0,{}e0"])
def test_groups_go_by_their_text(table: Callable[..., Path], style: str, streaming: str) -> None:
    texts = [text.replace("{}", str(number)) for number in range(10, 70) for text in style.split(",")]
    n = 50 * len(texts)
    rows = {"g": np.repeat(texts, 50), "b": np.arange(n) / 7, "y": np.arange(n) / 3}
    keys = (
        "data.split.kind=group",
        "data.split.column=g",
        f"data.streaming={streaming}",
        "data.column_kinds={g: category}",
    )
    path = table(**rows)
    loaded = data.load(
        load("data=plain_table", f"data.path='{path}'", "data.target=y", *keys, "data.split.seed=3").data
    )
    parts = [values(loaded.part(part).inputs["g"]) for part in ("train", "val", "test")]
    assert set.union(*parts) == set(texts)
    assert sum(map(len, parts)) == len(texts)


def test_a_column_of_days_that_is_declared_a_date_is_one(table: Callable[..., Path]) -> None:
    days = pd.date_range("2019-01-15", periods=N).strftime("%Y%m%d")
    path = table(a=days, y=np.arange(N) / 3)
    assert values(column(path, "a", "data.column_kinds={a: date}")) == set(days)
    assert values(column(path, "a")) == set(map(float, days))


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("gap", ["", "x"])
def test_ids_that_numbers_cannot_tell_apart_are_named(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, gap: str, streaming: str
) -> None:
    path = table(a=np.resize([*IDS, gap], N), y=np.arange(N) / 3)
    column(path, "a", "data.missing_values=[x]", f"data.streaming={streaming}")
    said = "column 'a' has whole numbers beyond 2**53, whose last digits are lost"
    assert said in caplog.text
    assert '"data.column_kinds={a: category}"' in caplog.text


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("n_rows", [60, 60_000, pytest.param(400_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u3000", "\u2003"])
def test_blanks_of_any_kind_hide_no_number(tmp_path: Path, n_rows: int, blank: str, streaming: str) -> None:
    if n_rows > 60 and blank != "\u00a0":
        pytest.skip("one blank is enough for large files")
    lines = [f"{row}.5,w{row % 7},{row % 3}" for row in range(n_rows)]
    for row in (n_rows // 2, n_rows - 1):
        lines[row] = f"12.5{blank},{blank}w1,{blank}1{blank}"
    (tmp_path / "t.csv").write_text("\n".join(["a,t,y", *lines]) + "\n")
    config = load(
        "data=plain_table", f"data.path='{tmp_path / 't.csv'}'", "data.target=y", f"data.streaming={streaming}"
    ).data
    rows = data.load(config).rows
    assert rows.inputs["a"].dtype == np.float64
    assert set(values(rows.inputs["t"])) <= {f"w{number}" for number in range(7)}
    assert rows.target.classes.tolist() == [0, 1, 2]
