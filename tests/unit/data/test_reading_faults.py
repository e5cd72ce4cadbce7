"""What files and databases that cannot be read are told: the place, what is wrong and what to do."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline import DataError, load
from pipeline.data.reading import read_tables


def read(path: object, *overrides: str) -> pd.DataFrame:
    return read_tables(load("data=table", f"data.path='{path}'", "data.target=y", *overrides).data)[0]


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        (b"", [], "data.path: .*t.csv cannot be read as a table: it is empty"),
        (b"a,y\n", [], "data.path: .*t.csv has no rows"),
        (b"a,y\n1,2\n1,2,3\n", [], r"t.csv .* 2 fields by ',' are expected .* row 1 \(line 3\) has 3"),
        (b"a,b,y\n1,2\n1,2,3\n", [], r"3 fields by ',' are expected in each row, but row 0 \(line 2\) has 2; correct"),
        (b"a,b,y\n1,\"2,\n3\",\n\n1,2\n", [], r"row 1 \(line 5\) has 2"),
        (b"a,y\n1,2,3\n4,5,6\n", [], r"row 0 \(line 2\) has 3, row 1 \(line 3\) has 3; set data.delimiter"),
        (b"a b y\n1 2 3\n1 2\n", [], r"3 fields by whitespace are expected in each row, but row 1 \(line 3\) has 2"),
        (b"a,y\n1,2\n\"3,4\n5,6\n", [], "t.csv .*: a quotation mark in row 1 is never closed"),
        (b"a,a,y\n1,2,3\n", [], "more than one column named 'a' in its header; name all columns with data.columns"),
        (b"\x00\x01,\x00\n\x00", [], "t.csv cannot be read as text: line 1 holds a zero byte; if it is UTF-16, set"),
        (b"PAR1,y\n", [], "t.csv cannot be read as text: it is Parquet; name it .parquet"),
        (b"caf\xe9,y\n1,2\n", ["data.encoding=utf-8"], "t.csv cannot be read as utf-8: line 1 holds the byte 0xe9"),
        (b"a,y\n1,2\n", ["data.encoding=utf-9"], "data.encoding: there is no encoding 'utf-9'; use auto"),
        (b"a,y\n1,2\n", ["data.encoding=base64"], "data.encoding: there is no encoding 'base64'; use auto"),
        (b"a,y\n1,2\n", ["data.columns=[p,q,r]"], "data.columns: names 3 columns, but .*t.csv has 2"),
        (b"a,y\n1,2\n", ["data.columns=[p,p]"], "data.columns: names 'p' more than once"),
        (b"a,y\n1,2\n", ["data.delimiter=ab"], "data.delimiter: must be auto, tab, whitespace or one character"),
        (b"a,y\n1,2\n", ["data.comment='//'"], "data.comment: must be one character"),
        (b"a,y\n1,2\n", ["data.delimiter=','", "data.decimal=','"], "data.decimal: is the same character"),
        (b"a,y\n1,2\n", ["data.query='select 1'"], "t.csv is no SQLAlchemy URL"),
    ],
)  # fmt: skip
def test_unreadable_file(file: Callable[..., Path], content: bytes, overrides: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(file(content), *overrides)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv.gz", "t.parquet.gz", "t.xlsx"])
def test_file_that_is_not_what_its_name_says(file: Callable[..., Path], name: str) -> None:
    with pytest.raises(DataError, match=rf"data.path: .*{name}"):
        read(file(b"no such thing", name))


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet"])
def test_damaged_files(tmp_path: Path, regression_table: Path, name: str) -> None:
    path = tmp_path / name
    if name == "t.parquet":
        pd.read_csv(regression_table).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(regression_table.read_bytes()))
    content = bytearray(path.read_bytes())
    content[60:120] = b"x" * 60
    content[-60:-8] = b"y" * 52
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name} .*cannot be read"):
        read(path)


def test_files_that_are_not_there(tmp_path: Path, file: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"data.path: there is no file nowhere.csv \(looked for from"):
        read("nowhere.csv")
    with pytest.raises(DataError, match=r"data.path: no file matches .*\*.csv"):
        read(tmp_path / "*.csv")
    with pytest.raises(DataError, match=r"data.path: .* is a folder; name the files in it, as in .data.path=.*\*.csv"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"data.split.test_path: there is no file nowhere.csv"):
        read(file("a,y\n1,2\n"), "data.split.test_path=nowhere.csv")


def test_files_with_other_columns(file: Callable[..., Path], tmp_path: Path) -> None:
    file("a,y\n1,1\n", "a.csv")
    file("b,y\n1,1\n", "b.csv")
    file("a,c,y\n", "c.csv")
    with pytest.raises(DataError) as raised:
        read(tmp_path / "*.csv")
    assert "data.path: all files must have the columns of" in str(raised.value)
    assert "b.csv lacks 'a' and has besides 'b'\n" in str(raised.value)
    assert "c.csv has besides 'c'\n" in str(raised.value)
    with pytest.raises(
        DataError, match=r"data.split.test_path: all files must have the columns of .*a.csv\n.*b.csv lacks"
    ):
        read(tmp_path / "a.csv", f"data.split.test_path={tmp_path / 'b.csv'}")
    with pytest.raises(DataError, match=r"data.split.test_path: .*empty.csv has no rows"):
        read(tmp_path / "a.csv", f"data.split.test_path={file('a,y', 'empty.csv')}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nowhere.db", "data.path: sqlite:///nowhere.db: there is no file nowhere.db"),
        ("sqlite://nowhere.db", "data.path: "),
        ("nosuch://me:secret@host/db", "data.path: nosuch://me:.*@host/db cannot be opened: .*nosuch"),
        ("postgresql+psycopg2://me:secret@host/db", "its driver, as in pip install psycopg"),
        ("postgresql://me:secret@host:port/db", "is no SQLAlchemy URL, as in data.path=sqlite:///my.db"),
    ],
)  # fmt: skip
def test_databases_that_cannot_be_read(url: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read(url, "data.query='select 1 as y'")
    assert "secret" not in str(raised.value)
    assert not Path("nowhere.db").exists()
    with pytest.raises(DataError, match=r"data.query: missing; .* is a database") as raised:
        read(url)
    assert "secret" not in str(raised.value)
