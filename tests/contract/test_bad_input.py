"""What bad input gets: an error that names file or key, row, column and remedy, before TensorFlow is at work."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.train import prepare
from support.columns import of_every_kind


def table(**columns: object) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


def npz(**arrays: object) -> bytes:
    written = io.BytesIO()
    np.savez_compressed(written, **{name: np.asarray(array) for name, array in arrays.items()})
    return written.getvalue()


def damaged(content: bytes, at: slice = slice(-60, -8)) -> bytes:
    """With other bytes from the 60th on, and near its end."""
    changed = bytearray(content)
    changed[60:120], changed[at] = b"x" * 60, b"y" * len(changed[at])
    return bytes(changed)


def parquet(frame: pd.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.to_parquet(written)
    return written.getvalue()


Files = bytes | dict[str, bytes]  # of t.csv, or of every file by its name; none where a bundled set is read
Corpus = dict[str, tuple[Files, list[str], list[str]]]  # files, overrides, and what is said, in this order

N = 40
A, Y = np.arange(float(N)), np.sin(np.arange(N))
ROWS = "".join(f"{row},{row % 7}.5,{'pq'[row % 2]}\n" for row in range(N)).encode()
GOOD = b"a,b,y\n" + ROWS
SMALL = b"a,y\n1,2\n"
DAYS = "".join(
    f"{'2024-01-1' + str(row % 10) if row not in (3, 5, 8, 9) else f'day {row}'},{row}.5\n" for row in range(N)
)
EVERY_KIND = table(**{name: np.asarray(values) for name, values in of_every_kind().items()}, y=np.arange(60) * 1.5)
RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"a": RNG.normal(size=100), "b": RNG.normal(size=100), "y": RNG.normal(size=100)})

VALUES: Corpus = {
    "unreadable encoding": (
        GOOD + b"1,2.5,caf\xe9\n", ["data.encoding=utf-8"],
        ["data.encoding", "t.csv cannot be read as utf-8: line 42", "0xe9", "set data.encoding=auto"],
    ),
    "ragged rows": (
        b"a,b,y\n1,2,p\n1,2,3,q\n1,2,p\n1,q\n", [],
        ["data.path", "t.csv", "row 1 (line 3) has 4", "row 3 (line 5) has 2", "correct these rows"],
    ),
    "repeated name": (
        b"a,a,y\n" + ROWS, [], ["data.path", "t.csv", "more than one column named 'a'", "data.columns"]
    ),
    "one class": (b"a,y\n" + b"1,x\n2,x\n" * 9, [], ["data.target", "'y' has one class only (x)", "name another"]),
    "one number": (b"a,y\n" + b"1,5\n2,5\n" * 9, ["data.task=regression"], ["data.target: y has the same value", "name another"]),
    "text in a regression": (
        b"a,y\n" + b"1,1.5\n2,unknown\n" * 9, ["data.task=regression"],
        ["data.target: y holds text ('unknown' in row 1)", "data.missing_values", "data.task"],
    ),
    "dates that do not parse": (
        b"when,y\n" + DAYS.encode(), ["data.column_kinds={when: date}"],
        ["data.column_kinds: column 'when' has 4 values that are not dates as year-month-day",
         "'day 3' (row 3), 'day 5' (row 5), 'day 8' (row 8); correct or empty them"],
    ),
    "category with a value per row": (
        b"name,y\n" + b"".join(b"n%d,%d.5\n" % (row, row) for row in range(40)), ["data.column_kinds={name: category}"],
        ["data.column_kinds: column 'name' has a different value in every row", "use data.drop"],
    ),
    "one group": (
        b"g,a,y\n" + b"".join(b"one,%d,%d.5\n" % (row, row) for row in range(40)),
        ["data.split.kind=group", "data.split.column=g"],
        ["data.split.column: column 'g' has 1 group ('one') in 40 rows", "name another column"],
    ),
    "fewer rows than classes": (
        b"a,y\n1,p\n2,q\n3,r\n4,s\n5,t\n6,u\n7,v\n", [],
        ["data.split.kind: stratified cannot put every class in every part", "only one has the class 'p', 'q'", "more rows"],
    ),
    "infinities": (
        b"a,b,y\n" + b"1,2,p\n2,inf,q\n3,-inf,p\n4,5,q\n" * 9, [],
        ["column 'b' has 18 infinite values, first in row 1", "\"data.missing_values=['inf', '-inf']\"", "data.drop"],
    ),
    "infinite target": (
        b"a,y\n" + b"1,2.5\n2,inf\n" * 9, ["data.task=regression"],
        ["data.target", "data.missing_target=drop", "\"data.missing_values=['inf']\"", "column 'y' has 9 infinite values, first in row 1"],
    ),
    "infinity below rows that were dropped": (
        b"a,y\n" + b"1,\n2,p\ninf,q\n" * 9, ["data.missing_target=drop"], ["column 'a' has 9 infinite values, first in row 2"]
    ),
    "no target at all": (
        b"a,y\n1,\n2,\n", ["data.missing_target=drop"], ["data.target: no row has a value in 'y'", "name another"]
    ),
    "text where training rows have none": (
        b"t,y\n" + b",1.5\n,2.5\n,3.5\n" * 9 + b"x,1.5\n", ["data.column_kinds={t: numeric}", "data.split.seed=1"],
        ["data.column_kinds: column 't' ", "text", "use "],
    ),
    "wrong target": (
        table(a=A, price=Y), ["data.target=prize"],
        ["data.target: unknown column 'prize', did you mean 'price'"],
    ),
    "wrong drop": (table(a=A, y=Y), ["data.drop=[A]"], ["data.drop: unknown column 'A'"]),
    "target dropped": (table(a=A, y=Y), ["data.drop=[y]"], ["y is named more than once"]),
    "no inputs": (table(a=A, y=Y), ["data.drop=[a]"], ["no input columns are left"]),
    "one infinite value": (
        table(g=np.where(A == 2, np.inf, A), y=Y), [], ["column 'g' has 1 infinite values, first in row 2"]
    ),
    "target gap": (
        table(a=A, y=np.where(np.isin(A, [3, 5]), np.nan, A)), [],
        ["data.target: every row needs a finite number or a label"],
    ),
    "label gap": (table(a=A, y=["x", None] * 20), [], ["column 'y' has 20 missing values, first in row 1"]),
    "one class in words": (table(a=A, y=["x"] * N), [], ["data.target: 'y' has one class only"]),
    "constant": (table(a=A, y=[1.5] * N), ["data.task=regression"], ["y has the same value in every row"]),
    "text beside numbers in a regression": (
        table(a=A, y=["1", "x"] * 20), ["data.task=regression"],
        ["y holds text ('x' in row 1), but a regression needs numbers"],
    ),
    "three classes for binary": (
        table(a=A, y=["p", "q", "r", "r"] * 10), ["data.task=binary"], ["binary needs two classes, but 'y' has 3"]
    ),
    "two targets for binary": (
        table(a=A, y=Y, z=Y), ["data.target=[y,z]", "data.task=binary"], ["binary takes one target"]
    ),
    "rare class": (table(a=A, y=["p"] * 39 + ["q"]), [], ["stratified cannot put every class in every part"]),
    "negative weight": (
        table(a=A, y=Y, w=-A), ["data.sample_weight=w"], ["data.sample_weight: column 'w' must hold"]
    ),
    "zero weights": (table(a=A, y=Y, w=A * 0), ["data.sample_weight=w"], ["every weight of the train and val and test rows is 0"]),
    "column of an array": (
        {}, ["data=digits", "data.drop=[x]"], ["data.drop: digits is an array without column names"]
    ),
    "a row outside training is not a date": (
        {
            "t.csv": table(when=[*(f"2020-01-{1 + row % 28:02}" for row in range(N)), "someday"], y=np.arange(N + 1)),
            "s.npz": npz(train=np.arange(38), val=[38, 39], test=[40]),
        },
        ["data.split.path=FOLDER/s.npz"],
        ["column 'when', row 40: 'someday' is not a date as year-month-day\n", "column_kinds={when"],
    ),
    "a gap is filled with what cannot be trained on": (
        {
            "t.csv": table(a=[*range(20), np.nan], y=np.arange(21.0)),
            "s.npz": npz(train=np.arange(18), val=[18, 19], test=[20]),
        },
        ["data.split.path=FOLDER/s.npz", "data.impute=constant", "data.impute_constant=1e50"],
        ["column 'a', row 20: a gap filled with 1e+50 is 1e+18 or more when scaled"],
    ),
}  # fmt: skip

KINDS: Corpus = {
    " ".join(overrides): (EVERY_KIND, overrides, [said])
    for overrides, said in [
        (["data.column_kinds={twon: date}"], "data.column_kinds: unknown input column 'twon'"),
        (["data.column_kinds={number: date}"], "column 'number' holds numbers, not dates"),
        (["data.column_kinds={town: numeric}"], "column 'town' holds text (first: "),
        (["data.column_kinds={town: date}"], "values that are not dates as year-month-day: "),
        (["data.column_kinds={code: boolean}"], "column 'code' has values other than 0 and 1"),
        (["data.column_kinds={when: category}"], "column 'when' has a different value in every row"),
        (
            ["data.category_encoding.by_column={number: hash}"],
            "'number' is a numeric column; it takes category columns",
        ),
        (["data.category_encoding.by_column={code: hash}"], "column 'code' holds numbers; hash is for text"),
        (
            ["data.impute.by_column={town: mean}"],
            "data.impute.by_column: 'town' is a category column; it takes numeric columns",
        ),
        (
            ["data.impute.by_column.numbr=mean"],
            "data.impute.by_column: unknown input column 'numbr', did you mean 'number'?",
        ),
        (
            ["data.input_scaling.by_column={nobody: minmax}"],
            "data.input_scaling.by_column: unknown input column 'nobody'; the columns are",
        ),
    ]
}

# Targets that people read as numbers and programs as text: the message says what to do, not that classes are many.
DRESSES: dict[str, Callable[[float], str]] = {
    "thousands": lambda value: f"{value:,.2f}",
    "euros": lambda value: f"{value:.2f} €",
    "euros before": lambda value: f"€ {value:,.0f}",
    "francs": lambda value: f"CHF {value:,.2f}".replace(",", "'"),
    "decimal comma": lambda value: f"{value:.2f}".replace(".", ","),
    "kilograms": lambda value: f"{value:.1f}kg",
    "percent": lambda value: f"-{value / 1e4:.3f}%",
}
TARGETS: Corpus = {
    f"{dress} as {task}": (
        table(a=np.arange(200.0), y=[wear(1234.5 + 357.25 * row) for row in range(200)]), [f"data.task={task}"],
        [f"'y' holds text that looks like numbers, such as {wear(1234.5)!r}", "'data.column_formats={y: "],
    )
    for dress, wear in DRESSES.items()
    for task in ("auto", "regression", "multiclass")
}  # fmt: skip

READING: Corpus = {
    "empty file": (b"", [], ["data.path: ", "t.csv cannot be read as a table: it is empty"]),
    "header only": (b"a,y\n", [], ["data.path: ", "t.csv has no rows"]),
    "long row": (
        b"a,y\n1,2\n1,2,3\n", [], ["t.csv ", " 2 fields by ',' are expected ", "row 1 (line 3) has 3"]
    ),
    "short row": (
        b"a,b,y\n1,2\n1,2,3\n", [], ["3 fields by ',' are expected in each row, but row 0 (line 2) has 2; correct"]
    ),
    "short row behind a quoted line break": (b"a,b,y\n1,\"2,\n3\",\n\n1,2\n", [], ["row 1 (line 5) has 2"]),
    "all rows long": (
        b"a,y\n1,2,3\n4,5,6\n", [], ["row 0 (line 2) has 3, row 1 (line 3) has 3; set data.delimiter"]
    ),
    "short row by whitespace": (
        b"a b y\n1 2 3\n1 2\n", [], ["3 fields by whitespace are expected in each row, but row 1 (line 3) has 2"]
    ),
    "open quotation mark": (
        b"a,y\n1,2\n\"3,4\n5,6\n", [], ["t.csv ", ": a quotation mark in row 1 is never closed"]
    ),
    "repeated name in a header": (
        b"a,a,y\n1,2,3\n", [], ["more than one column named 'a' in its header; name all columns with data.columns"]
    ),
    "zero bytes": (
        b"\x00\x01,\x00\n\x00", [],
        ["t.csv cannot be read as text: line 1 holds a zero byte; if it is UTF-16, set"],
    ),
    "Parquet called CSV": (b"PAR1,y\n", [], ["t.csv cannot be read as text: it is Parquet; name it .parquet"]),
    "another encoding": (
        b"caf\xe9,y\n1,2\n", ["data.encoding=utf-8"], ["t.csv cannot be read as utf-8: line 1 holds the byte 0xe9"]
    ),
    "no such encoding": (SMALL, ["data.encoding=utf-9"], ["data.encoding: unknown encoding 'utf-9'; use auto"]),
    "an encoding of bytes": (
        SMALL, ["data.encoding=base64"], ["data.encoding: unknown encoding 'base64'; use auto"]
    ),
    "too many names": (SMALL, ["data.columns=[p,q,r]"], ["data.columns: names 3 columns, but ", "t.csv has 2"]),
    "a name twice": (SMALL, ["data.columns=[p,p]"], ["data.columns: names 'p' more than once"]),
    "long delimiter": (
        SMALL, ["data.delimiter=ab"], ["data.delimiter: must be auto, tab, whitespace or one character"]
    ),
    "long comment": (SMALL, ["data.comment='//'"], ["data.comment: must be one character"]),
    "decimal and delimiter alike": (
        SMALL, ["data.delimiter=','", "data.decimal=','"], ["data.decimal: is the same character"]
    ),
    "query of a file": (SMALL, ["data.query='select 1'"], ["t.csv is not an SQLAlchemy URL"]),
    **{
        f"{name} that is none": ({name: b"no such thing"}, [f"data.path=FOLDER/{name}"], ["data.path: ", name])
        for name in ("t.parquet", "t.csv.gz", "t.parquet.gz", "t.xlsx")
    },
    "damaged gzip": (
        {"t.csv.gz": damaged(gzip.compress(NUMBERS.to_csv(index=False).encode()))}, ["data.path=FOLDER/t.csv.gz"],
        ["t.csv.gz ", "cannot be read"],
    ),
    "damaged Parquet": (
        {"t.parquet": damaged(parquet(NUMBERS))}, ["data.path=FOLDER/t.parquet"], ["t.parquet ", "cannot be read"]
    ),
    "no file": ({}, ["data.path=nowhere.csv"], ["data.path: file nowhere.csv does not exist (looked for from"]),
    "no file of a pattern": ({}, ["data.path='FOLDER/*.csv'"], ["data.path: no file matches ", "*.csv"]),
    "a folder": (
        {}, ["data.path='FOLDER'"],
        ["data.path: ", " is a folder; name the files in it, as in ", "data.path=", "*.csv"],
    ),
    "no test file": (
        SMALL, ["data.split.test_path=nowhere.csv"], ["data.split.test_path: file nowhere.csv does not exist"]
    ),
    "files with other columns": (
        {"a.csv": b"a,y\n1,1\n", "b.csv": b"b,y\n1,1\n", "c.csv": b"a,c,y\n"}, ["data.path='FOLDER/*.csv'"],
        ["data.path: all files must have the columns of", "b.csv lacks 'a' and also has 'b'\n",
         "c.csv also has 'c'\n"],
    ),
    "test file with other columns": (
        {"a.csv": b"a,y\n1,1\n", "b.csv": b"b,y\n1,1\n"},
        ["data.path=FOLDER/a.csv", "data.split.test_path=FOLDER/b.csv"],
        ["data.split.test_path: all files must have the columns of ", "a.csv\n", "b.csv lacks"],
    ),
    "test file with another column": (
        {"t.csv": GOOD, "other.csv": GOOD.replace(b"b", b"c", 1)}, ["data.split.test_path=FOLDER/other.csv"],
        ["data.split.test_path: all files must have the columns of",
         "other.csv lacks 'b' and also has 'c'\nCorrect the headers"],
    ),
    "test file without rows": (
        {"a.csv": b"a,y\n1,1\n", "empty.csv": b"a,y"},
        ["data.path=FOLDER/a.csv", "data.split.test_path=FOLDER/empty.csv"],
        ["data.split.test_path: ", "empty.csv has no rows"],
    ),
}  # fmt: skip

URLS = {
    "sqlite:///nowhere.db": ["data.path: sqlite:///nowhere.db: file nowhere.db does not exist"],
    "sqlite://nowhere.db": ["data.path: "],
    "nosuch://me:secret@host/db": ["data.path: nosuch://me:", "@host/db cannot be opened: ", "nosuch"],
    "postgresql+psycopg://me:secret@host/db": ["its driver, as in pip install psycopg"],
    "postgresql://me:secret@host:port/db": ["is not an SQLAlchemy URL, as in data.path=sqlite:///my.db"],
}
DATABASES: Corpus = {
    url: ({}, [f"data.path='{url}'", "data.query='select 1 as y'"], said) for url, said in URLS.items()
}
DATABASES |= {
    f"{url} without a query": ({}, [f"data.path='{url}'"], ["data.query: missing; ", " is a database"]) for url in URLS
}


def divided(**parts: object) -> tuple[Files, list[str]]:
    return {"split.npz": npz(**parts)}, ["data=diabetes", "data.split.path=FOLDER/split.npz"]


SPLITS: Corpus = {
    "train and val overlap": (
        *divided(train=[1, 2], val=[2], test=[3]), ["data.split", "1 rows are in both train and val, first row 2"]
    ),
    "train and test overlap": (
        *divided(train=[1, 2], val=[3], test=[2]), ["data.split", "1 rows are in both train and test, first row 2"]
    ),
    "no test row": (
        *divided(train=[1, 2], val=[3], test=[]), ["data.split", "test must be a list of whole row numbers"]
    ),
    "row beyond the last": (
        *divided(train=[1, 999], val=[3], test=[4]),
        ["data.split", "train names row 999, but the data have rows 0 to 441"],
    ),
    "row below 0": (*divided(train=[1, -1], val=[3], test=[4]), ["data.split", "train names row -1"]),
    "row twice": (*divided(train=[1, 1], val=[3], test=[4]), ["data.split", "train names a row twice"]),
    "half a row": (
        *divided(train=[1.5], val=[3], test=[4]),
        ["data.split", "train must be a list of whole row numbers, got float64"],
    ),
    "no test part": (*divided(train=[1, 2], val=[3]), ["data.split", "lacks test; it has train, val"]),
    "split file that is none": (
        {"split.npz": b"train: 1"}, ["data=iris", "data.split.path=FOLDER/split.npz"],
        ["data.split.path: ", "split.npz cannot be read as .npz"],
    ),
    "no split file": (
        {}, ["data=iris", "data.split.path=nowhere.npz"], ["data.split.path: file nowhere.npz does not exist"]
    ),
    "damaged split file": (
        {"split.npz": damaged(npz(train=np.arange(50), val=np.arange(50, 60), test=np.arange(60, 70)), at=slice(0))},
        ["data=diabetes", "data.split.path=FOLDER/split.npz"], ["split.npz ", "cannot be read"],
    ),
    "fraction of no row": (
        {}, ["data=linnerud", "data.split.val_fraction=0.01"], ["data.split", "val_fraction: 0.01 of 20 rows selects 0 rows; use at least 0.05"]
    ),
    "fractions of all rows": (
        {}, ["data=linnerud", "data.split.val_fraction=0.5", "data.split.test_fraction=0.49"],
        ["data.split", "rows are left to train on"],
    ),
    "no official test rows": (
        {}, ["data=iris", "data.split.test_fraction=null"],
        ["data.split", "test_fraction: iris has no official test rows"],
    ),
    "classes of a number": (
        {}, ["data=diabetes", "data.split.kind=stratified"], ["data.split", "stratified needs classes"]
    ),
    "classes in too few rows": (
        {}, ["data=digits", "data.split.test_fraction=0.005"],
        ["data.split", "stratified cannot put every class in every part"],
    ),
}  # fmt: skip

STREAMED: Corpus = {
    " ".join(overrides): (
        table(z1=np.arange(50), y=np.arange(50) / 3),
        ["data.streaming=on", "data.memory_budget=64MB", *overrides],
        [said],
    )
    for overrides, said in [
        (
            ["data.memory_budget=1MB"],
            "data.memory_budget: 1MB is too little for blocks and buffers; give data.memory_budget=32MB",
        ),
        (["data.split.kind=stratified"], "data.split.kind: stratified needs all rows at once"),
        (["data.path=FOLDER/none.csv"], "none.csv does not exist"),
        (["data.target=z"], "data.target: unknown column 'z', did you mean"),
        (["data.split.path=FOLDER/none.npz"], "none.npz does not exist"),
    ]
}

CORPUS = {
    f"{of}: {name}": case
    for of, cases in [
        ("values", VALUES), ("kinds", KINDS), ("targets", TARGETS), ("reading", READING), ("databases", DATABASES),
        ("splits", SPLITS), ("streamed", STREAMED),
    ]
    for name, case in cases.items()
}  # fmt: skip


def prepared(folder: Path, files: Files, overrides: list[str]) -> None:
    """Does what comes before training."""
    for name, content in ({"t.csv": files} if isinstance(files, bytes) else files).items():
        (folder / name).write_bytes(content)
    bundled = any(word.startswith("data=") for word in overrides)
    words = [] if bundled else ["data=plain_table", "data.path=FOLDER/t.csv", "data.target=y"]
    prepare(load(*(word.replace("FOLDER", str(folder)) for word in [*words, *overrides])))


@pytest.mark.parametrize("name", CORPUS)
def test_message_names_place_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    files, overrides, said = CORPUS[name]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as raised:
        prepared(tmp_path, files, overrides)
    message, begin = str(raised.value), 0
    for part in said:
        begin = message.find(part, begin) + len(part)
        assert begin >= len(part), f"{part!r} is not said, or not there: {message}"
    assert "secret" not in message
    assert {path.name for path in tmp_path.iterdir()} == set({"t.csv"} if isinstance(files, bytes) else files)


def test_good_input_is_taken(tmp_path: Path) -> None:
    prepared(tmp_path, GOOD, [])


def test_labels_beyond_int64_stay_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,1e30\n2,5\n" * 9)
    rows = data.read_rows(load("data=plain_table", f"data.path={tmp_path / 't.csv'}", "data.target=y").data)
    np.testing.assert_array_equal(rows.target.classes, [5.0, 1e30])


@pytest.mark.parametrize("column", ["self", "a=b", "column"])
def test_columns_named_like_arguments(tmp_path: Path, column: str) -> None:
    prepared(tmp_path, f"{column},b,y\n".encode() + b"x , 1,p\n" * 20 + b"z, 2,q\n" * 20, [])
