"""What bad input gets: an error that names file or key, row, column and remedy, before TensorFlow is at work."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import DataError, data, load

ROWS = "".join(f"{row},{row % 7}.5,{'pq'[row % 2]}\n" for row in range(40))
GOOD = "a,b,y\n" + ROWS
DAYS = "".join(
    f"{'2024-01-1' + str(row % 10) if row not in (3, 5, 8, 9) else f'day {row}'},{row}.5\n" for row in range(40)
)


def prepare(folder: Path, files: dict[str, bytes], *overrides: str) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    placed = [override.replace("FOLDER", str(folder)) for override in overrides]
    config = load("data=table", f"data.path={folder / 't.csv'}", "data.target=y", *placed).data
    data.without_useless(data.load(config), config).fit(config)


# What the file holds, overrides, and what the message must say: where, what was found, and what to do.
BAD = {
    "unreadable encoding": (
        GOOD.encode() + b"1,2.5,caf\xe9\n", ["data.encoding=utf-8"],
        ["data.encoding", "t.csv cannot be read as utf-8: line 42", "0xe9", "set data.encoding=auto"],
    ),
    "ragged rows": (
        b"a,b,y\n1,2,p\n1,2,3,q\n1,2,p\n1,q\n", [],
        ["data.path", "t.csv", "row 1 (line 3) has 4", "row 3 (line 5) has 2", "correct these rows"],
    ),
    "repeated name": (
        b"a,a,y\n" + ROWS.encode(), [], ["data.path", "t.csv", "more than one column named 'a'", "data.columns"]
    ),
    "one class": (b"a,y\n" + b"1,x\n2,x\n" * 9, [], ["data.target", "'y' has one class only (x)", "name another"]),
    "one number": (b"a,y\n" + b"1,5\n2,5\n" * 9, ["data.task=regression"], ["data.target: y has the same value", "name another"]),
    "text in a regression": (
        b"a,y\n" + b"1,1.5\n2,unknown\n" * 9, ["data.task=regression"],
        ["data.target: y holds text ('unknown' in row 1)", "data.missing_values", "data.task"],
    ),
    "dates that do not parse": (
        b"when,y\n" + DAYS.encode(), ["data.columns_as={when: date}"],
        ["data.columns_as: column 'when' has 4 values that are no dates as year-month-day",
         "'day 3' (row 3), 'day 5' (row 5), 'day 8' (row 8); correct or drop them"],
    ),
    "category with a value per row": (
        b"name,y\n" + b"".join(b"n%d,%d.5\n" % (row, row) for row in range(40)), ["data.columns_as={name: category}"],
        ["data.columns_as: column 'name' has another value in every row", "use data.drop"],
    ),
    "one group": (
        b"g,a,y\n" + b"".join(b"one,%d,%d.5\n" % (row, row) for row in range(40)),
        ["data.split.kind=group", "data.split.column=g"],
        ["data.split.column: column 'g' has 1 group ('one') in 40 rows", "name another column"],
    ),
    "fewer rows than classes": (
        b"a,y\n1,p\n2,q\n3,r\n4,s\n5,t\n6,u\n7,v\n", [],
        ["data.split.kind: stratified cannot put every class on every side", "only one has the class 'p', 'q'", "more rows"],
    ),
    "infinities": (
        b"a,b,y\n" + b"1,2,p\n2,inf,q\n3,-inf,p\n4,5,q\n" * 9, [],
        ["column 'b' has 18 infinite values, first in row 1", "\"data.missing_values=['inf', '-inf']\"", "data.drop"],
    ),
    "infinite target": (
        b"a,y\n" + b"1,2.5\n2,inf\n" * 9, ["data.task=regression"],
        ["data.target", "column 'y' has 9 infinite values, first in row 1", "data.missing_target=drop", "\"data.missing_values=['inf']\""],
    ),
    "infinity below rows that were dropped": (
        b"a,y\n" + b"1,\n2,p\ninf,q\n" * 9, ["data.missing_target=drop"], ["column 'a' has 9 infinite values, first in row 2"]
    ),
    "no target at all": (
        b"a,y\n1,\n2,\n", ["data.missing_target=drop"], ["data.target: no row has a value in 'y'", "name another"]
    ),
    "text where training rows have none": (
        b"t,y\n" + b",1.5\n,2.5\n,3.5\n" * 9 + b"x,1.5\n", ["data.columns_as={t: numeric}", "data.split.seed=1"],
        ["data.columns_as: column 't' ", "text", "use "],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message_names_place_and_remedy(tmp_path: Path, name: str) -> None:
    content, overrides, said = BAD[name]
    with pytest.raises(DataError) as raised:
        prepare(tmp_path, {"t.csv": content}, *overrides)
    assert [part for part in said if part not in str(raised.value)] == [], str(raised.value)


def test_test_file_with_other_columns(tmp_path: Path) -> None:
    files = {"t.csv": GOOD.encode(), "other.csv": GOOD.replace("b", "c", 1).encode()}
    with pytest.raises(DataError) as raised:
        prepare(tmp_path, files, "data.split.test_path=FOLDER/other.csv")
    assert "data.split.test_path: all files must have the columns of" in str(raised.value)
    assert "other.csv lacks 'b' and has besides 'c'\nCorrect the headers" in str(raised.value)


def test_good_input_is_taken(tmp_path: Path) -> None:
    prepare(tmp_path, {"t.csv": GOOD.encode()})


def test_labels_beyond_int64_stay_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,1e30\n2,5\n" * 9)
    rows = data.read_rows(load("data=table", f"data.path={tmp_path / 't.csv'}", "data.target=y").data)
    np.testing.assert_array_equal(rows.target.classes, [5.0, 1e30])


@pytest.mark.parametrize("column", ["self", "a=b", "column"])
def test_columns_named_like_arguments(tmp_path: Path, column: str) -> None:
    content = f"{column},b,y\n" + "x , 1,p\n" * 20 + "z, 2,q\n" * 20
    prepare(tmp_path, {"t.csv": content.encode()})
