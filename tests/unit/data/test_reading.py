"""Reading tables: every kind of file and dialect, several files, databases, and the messages for bad files."""

import contextlib
import gzip
import logging
import shlex
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.data import Rows
from pipeline.data.reading import read_tables
from pipeline.data.reading.column_types import tidied
from pipeline.data.reading.content import Content
from pipeline.data.reading.labels import agreeing_labels
from pipeline.data.reading.scan import scan, scan_fields


def read_all(path: object, *overrides: str) -> tuple[pd.DataFrame, int]:
    return read_tables(load("data=plain_table", f"data.path='{path}'", "data.target=y", *overrides).data)


def read(path: object, *overrides: str) -> pd.DataFrame:
    return read_all(path, *overrides)[0]


def load_rows(path: object, *overrides: str) -> Rows:
    return data.read_rows(load("data=plain_table", f"data.path='{path}'", "data.target=y", *overrides).data)


@pytest.mark.parametrize(
    "suffix", ["csv", "csv.gz", "tsv", "tsv.gz", "txt", "dat", "data", "test", "parquet", "pq", "parquet.gz"]
)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"Wall Area": [1.5, 2.0, 3.25] * 20, "n": [1, 2, 3] * 20, "ok": [True, False, True] * 20})
    frame = frame.assign(t=["a, b", None, "ü"] * 20, y=np.arange(60) / 7)
    path = tmp_path / f"table.{suffix}"
    if suffix.startswith("p"):
        frame.to_parquet(tmp_path / "table")
        content = (tmp_path / "table").read_bytes()
        path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    else:
        frame.to_csv(path, index=False, sep="\t" if "tsv" in suffix else ",")
    pd.testing.assert_frame_equal(read(path), frame)


@pytest.mark.parametrize(
    ("content", "overrides"),
    [
        ("a,t,y\n1.5,p q,1\n2,,2\n", []),
        ("a;t;y\n1.5;p q;1\n2;?;2\n", []),
        ("a;t;y\n1,5;p q;1\n2,0;NA;2\n", ["data.decimal=','"]),
        ("a\tt\ty\n1.5\tp q\t1\n2\t\t2\n", []),
        ("a|t|y\n1.5|p q|1\n2||2\n", []),
        ("a t\ty\n1.5   \"p q\" 1\n 2 \t? \t2 \n", []),
        ("a/t/y\n1.5/p q/1\n2//2\n", ["data.delimiter=/"]),
        ("a, t ,y\n1.5 , p q, 1\n 2, ? ,2 \r\n", []),
        ('a,t,y\r\n1.5, "p q",1\r\n2," ",2\r\n', []),
        ("# made by hand\na,t,y\n1.5,p q,1 # first\n2,,2\n", ["data.comment='#'"]),
        ("1.5,p q,1\n2,,2\n", ["data.header=false", "data.columns=[a,t,y]"]),
        ("one,two,three\n1.5,p q,1\n2,,2\n", ["data.columns=[a,t,y]"]),
        ("a,t,y,\n1.5,p q,1,\n2,,2,\n", []),
        ("a,t,y\n\n1.5,p q,1\n\n2,missing,2\n", ["data.missing_values=[missing]"]),
        ("\ufeffa,t,y\n1.5,p q,1\n2,,2", []),
    ],
    ids=["comma", "semicolon", "decimal comma", "tab", "pipe", "whitespace", "set", "blanks", "quotes",
         "comment", "no header", "other names", "delimiter at the end", "own mark", "BOM"],
)  # fmt: skip
def test_dialects(file: Callable[..., Path], content: str, overrides: list[str]) -> None:
    expected = pd.DataFrame({"a": [1.5, 2.0], "t": pd.Series(["p q", None], dtype="str"), "y": [1, 2]})
    pd.testing.assert_frame_equal(read(file(content), *overrides), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
def test_encodings(file: Callable[..., Path], encoding: str) -> None:
    path = file("é,y\nüß,1\nö,2\n", encoding=encoding)
    for setting in ("auto", encoding):
        frame = read(path, f"data.encoding={setting}")
        assert frame.to_dict("list") == {"é": ["üß", "ö"], "y": [1, 2]}


def test_bytes_that_are_not_utf_8_far_into_a_file(
    file: Callable[..., Path], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = file(b"t,y\n" + b"plain,1\n" * 60_000 + b"caf\xe9,2\n")
    with caplog.at_level(logging.INFO):
        assert read(path)["t"].iloc[-1] == "café"
    assert "is not UTF-8; read as cp1252" in caplog.text
    with pytest.raises(DataError, match=r"data.encoding: .*t.csv cannot be read as utf-8: line 60002 holds .* 0xe9"):
        read(path, "data.encoding=utf-8")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read(tmp_path / "t.csv.gz")["t"].iloc[-1] == "café"


def test_types(file: Callable[..., Path]) -> None:
    frame = read(file("b,g,code,time,neg,year,n,y\nTrue,true,020,09:15,-1,2020,1,1\nFalse,,120,10:00,-20,2021,x,2\n"))
    assert [str(dtype) for dtype in frame.dtypes] == ["bool", "object", "str", "str", "int64", "int64", "str", "int64"]
    assert frame["code"].tolist() == ["020", "120"]
    assert frame["g"].tolist()[0] is True
    words = read(file("b,n,y\nTrue,1,1\nfalse,2,2\n"), "data.column_kinds={b:category,n:category}")
    assert (words["b"].tolist(), words["n"].tolist()) == (["True", "false"], ["1", "2"])
    assert read(file("a,y\n-999,1\n3,2\n"), "data.missing_values=['-999']")["a"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("mark", "codes", "numbers"),
    [
        ("010", ["", "10", "10.0"], [10.0, 1000.0]),
        ("1_000", ["010", "10", "10.0"], [10.0, 1000.0]),
        ("10", ["010", "", ""], [np.nan, 1000.0]),
        ("1e1", ["010", "", ""], [np.nan, 1000.0]),
    ],
)
def test_a_mark_is_what_it_says(file: Callable[..., Path], mark: str, codes: list[str], numbers: list[float]) -> None:
    """The mark 010 made gaps of 10, and 1_000 of 1000, wherever they stood."""
    path = file("a,b,y\n010,10,1\n10,1000,2\n10.0,10,3\nx,1000,4\n" + f"x,{mark},5\n" * 8)
    inputs = load_rows(path, f"data.missing_values=[{mark}]").inputs
    assert np.asarray(inputs["a"])[:3].tolist() == codes
    np.testing.assert_array_equal(inputs["b"], [*numbers, *numbers, *[np.nan] * 8])


@pytest.mark.parametrize("large", [2**53 + 1, 2**63 + 1, 2**64 + 1])
@pytest.mark.parametrize("gap", ["NA", "unknown"])
def test_gaps_beside_large_whole_numbers(file: Callable[..., Path], large: int, gap: str) -> None:
    """Beside numbers from 2**63 to 2**64 they were a category."""
    path = file(f"a,y\n{large},1\n{gap},2\n5,3\n" + "7,4\n" * 9)
    inputs = load_rows(path, "data.missing_values=[unknown]").inputs
    np.testing.assert_array_equal(inputs["a"][:3], [float(large), np.nan, 5.0])


@pytest.mark.parametrize("large", [2**63 + 1, 10**19, 2**64 + 1])
def test_large_whole_numbers_beside_decimal_commas(file: Callable[..., Path], large: int) -> None:
    path = file(f"a;y\n {large};1\n NA;2\n-1,5;3\n" + "7;4\n" * 9)
    inputs = load_rows(path, "data.decimal=','").inputs
    np.testing.assert_array_equal(inputs["a"][:4], [float(large), np.nan, -1.5, 7.0])


def test_codes_with_leading_zeros_far_into_a_file_and_between_quotes(file: Callable[..., Path]) -> None:
    rows = 'x,"1,\n2",5,1\n' * 200_000
    frame = read(file(f'a,q,code,y\n{rows}"u, 01","3",007,2\nv,4,8,"3"\n'))
    assert frame["code"].tolist()[-3:] == ["5", "007", "8"]
    assert frame["y"].dtype == np.int64
    assert frame["q"].iloc[0] == "1,\n2"


def test_scan_looks_at_every_byte(tmp_path: Path) -> None:
    line = b"12345,abcdefg\n"
    for n in (74_897, 74_898, 74_899, 150_000):  # a block ends before, within and behind the last line
        for last, found in ((b"1,2\n", (False, False)), (b"01,2\n", (True, False)), (b"1 ,2", (False, True))):
            content = Content("data.path", tmp_path, line * n + last)
            result = scan(content, ",")
            assert (result.padded, result.blanks, result.n_separators) == (*found, n + 1)
            assert scan_fields(content, ",", quotes=False).padded == ({0} if found[0] else set())


def test_columns_of_several_types_over_many_rows(file: Callable[..., Path]) -> None:
    n = 300_000  # pandas infers types in blocks
    frame = read(file("a,b,y\n" + "1,True,1\n" * n + "x,2,2\n"))
    assert set(frame["a"]) == {"1", "x"}
    assert set(frame["b"]) == {"True", "2"}


def test_globs_and_test_files(file: Callable[..., Path], tmp_path: Path) -> None:
    file("a,b,y\n1,u,1\n2,v,2\n", "part1.csv")
    file("y,b,a\n3,,x\n", "part2.csv")
    file("a,b,y\n020,,4\n5,w,5\n", "held_out.tsv")
    frame, n_test = read_all(tmp_path / "part*.csv", f"data.split.test_path={tmp_path / 'held_out.tsv'}")
    assert n_test == 2
    assert frame["a"].tolist() == ["1", "2", "x", "020", "5"]
    assert frame["b"].isna().tolist() == [False, False, True, True, False]
    assert frame["y"].tolist() == [1, 2, 3, 4, 5]
    assert read_all(tmp_path / "part1.csv")[1] == 0


def test_labels_of_a_test_file_that_end_in_a_full_stop(file: Callable[..., Path], tmp_path: Path) -> None:
    file("1, <=50K\n2, >50K\n", "a.data")
    file("|1x3 Cross validator\n3, <=50K.\n4, >50K.\n", "a.test")
    options = ["data.header=false", "data.columns=[x,y]", f"data.split.test_path={tmp_path / 'a.test'}"]
    with pytest.raises(
        DataError, match=r"data.split.test_path: .*row 0 \(line 1\) has 1; if .* set .data.comment='\|'"
    ):
        read(tmp_path / "a.data", *options)
    assert read(tmp_path / "a.data", *options, "data.comment='|'")["y"].tolist() == ["<=50K", ">50K"] * 2
    other = pd.Series(["a", "b", "a.", "c."], dtype="str")
    assert agreeing_labels(other, 2).tolist() == other.tolist()


def test_decimal_commas_and_missing_headers_are_hinted_at(
    file: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    read(file("1,5;39;7\n1,5;2;1\n"))
    assert "'1,5' looks like numbers with a decimal comma; if so, set \"data.decimal=','\"" in caplog.text
    assert "names a column '39'; if its first line is a row, set data.header=false" in caplog.text
    assert list(read(file("1,2\n3,4\n"), "data.header=false")) == ["column_1", "column_2"]


@pytest.mark.parametrize(
    ("content", "is_doubted"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", True),
        ("39,7\n2,1\n", True),
        ("1,y\n2,3\n", False),
        ("id,1,2,y\n7,8,9,1\n", False),
        ("0,1,2,label\n7,8,9,a\n", False),
        ("2019,2020,2021,country\n7,8,9,CH\n", False),
        ("10,20,50,country\n7,8,9,CH\n", False),
        ("10,20,50,CH\n7,8,9,CH\n", True),
    ],
)
def test_the_right_header_is_not_doubted(
    file: Callable[..., Path], caplog: pytest.LogCaptureFixture, content: str, is_doubted: bool
) -> None:
    read(file(content))
    assert ("set data.header=false" in caplog.text) == is_doubted


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("n_rows", [50, 60_000])
def test_a_header_that_stands_again_in_the_middle_is_named(
    file: Callable[..., Path], n_rows: int, streaming: str
) -> None:
    lines = [f"{row},{row / 7:.3f},{'ab'[row % 2]}\n" for row in range(n_rows)]
    content = ["a,b,y\n", *lines[: n_rows - 9], " a, b ,y\n", *lines[n_rows - 9 :], "a,b,y\n"]
    config = load(
        "data=plain_table", f"data.path='{file(''.join(content))}'", "data.target=y", f"data.streaming={streaming}"
    )
    with pytest.raises(DataError, match=rf"data.path: .*t.csv has its header again in row {n_rows - 9}"):
        data.load(config.data)


def test_words_that_are_names_too_are_not_a_header(file: Callable[..., Path]) -> None:
    assert read(file("a,b,y\na,x,1\nb,b,y\n"))["a"].tolist() == ["a", "b"]
    assert read(file("t,y\nt,1\nu,2\n"))["t"].tolist() == ["t", "u"]


def test_codes_with_zeros_in_front_have_no_marks_to_be_named(
    file: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    load_rows(file("zip,y\n" + "".join(f"{number:05},{number}\n" for number in range(9000, 9100))))
    assert not caplog.text
    load_rows(file("zip,y\n" + "".join(f"{number:05},{number}\n" for number in range(9000, 9100)) + "none,3\n"))
    assert (
        """column 'zip' holds numbers except none; if these are gaps, set "data.missing_values=['none']"""
        in caplog.text
    )


def test_types_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"day": pd.to_datetime(["2026-01-01", None]), "c": pd.Categorical(["u", " v "])})
    frame["zone"] = pd.to_datetime(["2026-01-01 01:00", None]).tz_localize("Europe/Berlin")
    frame["n"], frame["b"] = pd.array([1, None], dtype="Int64"), pd.array([True, None], dtype="boolean")
    frame["date"], frame["i"], frame["y"] = frame["day"].dt.date, pd.array([1, 2], dtype="Int32"), [-1, 2]
    frame.to_parquet(path)
    read_back = read(path, "data.missing_values=['-1',v]")
    assert [dtype.kind for dtype in read_back.dtypes] == list("MOMfOMif")
    assert read_back["zone"].iloc[0] == pd.Timestamp("2026-01-01 00:00")
    assert (read_back["c"].isna().tolist(), read_back["y"].isna().tolist()) == ([False, True], [True, False])
    frame.assign(l=[[1], [2]]).to_parquet(path)
    with pytest.raises(
        DataError, match=r"(?s)t.parquet has values .*column 'l' holds mixed values.*set \"data.drop=\[l\]\""
    ):
        read(path)
    assert read(path, "data.drop=[l]")["l"].isna().all()  # its name stays known


@pytest.mark.parametrize("values", [[Decimal("-999"), Decimal("1.5"), None], [-999, 1.5, None]])
def test_marks_go_by_value_where_a_database_gives_objects(values: list[object]) -> None:
    found = tidied(pd.Series(values, dtype=object), ("-999",))
    np.testing.assert_array_equal(found, [np.nan, 1.5, np.nan])


def test_queries(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("create table houses (area real, town text, rooms integer, price integer)")
        connection.executemany("insert into houses values (?, ?, ?, ?)", [(1.5, "a ", 1, 10), (None, None, None, 20)])
    connection.close()
    url = f"sqlite:///{tmp_path / 't.db'}"
    frame = read(url, "data.query=\"select area, town, rooms, price as y from houses where town <> ':x' or 1\"")
    expected = pd.DataFrame({"area": [1.5, np.nan], "town": pd.Series(["a", None], dtype="str"), "rooms": [1, np.nan]})
    pd.testing.assert_frame_equal(frame, expected.assign(y=[10, 20]))
    for query, message in (
        ("select * from flats", r"data.query: 'select \* from flats' failed on sqlite:.*no such table: flats"),
        ("create table x (a)", "data.query: gives no rows; it must be a select"),
        ("select * from houses where 0", "data.path: sqlite:.*t.db has no rows"),
        ("select area, price as area from houses", "more than one column named 'area'; name all columns with"),
        ("select x'00' as b", "column 'b' holds bytes values"),
    ):
        with pytest.raises(DataError, match=message):
            read(url, f'data.query="{query}"')


ADULT = ["data.header=false", f"data.columns=[{','.join(f'x{number}' for number in range(14))},y]"]


@pytest.mark.parametrize(
    ("path", "overrides", "shape", "n_gaps"),
    [
        ("adult/adult.data", ADULT, (32_561, 15), 4262),
        ("bike_sharing_hour/hour.csv", [], (17_379, 17), 0),
        ("energy_efficiency/energy.csv", [], (768, 10), 0),
        ("parkinsons_telemonitoring/parkinsons_updrs.tsv", [], (5875, 22), 0),
        ("titanic/train.csv", [], (891, 12), 866),
        ("titanic/titanic_seaborn.csv", [], (891, 15), 869),
        ("ames_housing/AmesHousing.csv", [], (2930, 82), 15_749),
        ("auto_mpg/auto-mpg.data", [], (398, 9), 6),
        ("penguins/penguins.csv", [], (344, 7), 19),
        ("california_housing_text/housing.csv", [], (20_640, 10), 207),
        ("california_housing/california_sklearn.csv", [], (20_640, 9), 0),
    ],
)  # fmt: skip
def test_real_tables(
    real_data: Callable[[str], Path], path: str, overrides: list[str], shape: tuple[int, int], n_gaps: int
) -> None:
    frame = read(real_data(path), *overrides)
    assert frame.shape == shape
    assert frame.isna().sum().sum() == n_gaps


def test_adult_with_its_test_file(real_data: Callable[[str], Path]) -> None:
    test = f"data.split.test_path={real_data('adult/adult.test')}"
    frame, n_test_file_rows = read_all(real_data("adult/adult.data"), *ADULT, test)
    assert (len(frame), n_test_file_rows) == (48_842, 16_281)
    assert frame["y"].value_counts().to_dict() == {"<=50K": 37_154, ">50K": 11_688}
    assert [str(frame[f"x{number}"].dtype) for number in (0, 1, 2)] == ["int64", "str", "int64"]


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_a_column_of_another_type_can_be_dropped(tmp_path: Path, streaming: str) -> None:
    frame = pd.DataFrame({"a": np.arange(60.0), "y": np.arange(60.0) % 7 / 3})
    odd = {"l": [[1, 2]] * 60, "s": [{"k": 1}] * 60, "my bytes": [b"\x00"] * 60, "id": range(60)}
    frame.assign(**odd).to_parquet(tmp_path / "t.parquet")
    words = ["data=plain_table", f"data.path={tmp_path / 't.parquet'}", "data.target=y", f"data.streaming={streaming}"]
    with pytest.raises(DataError, match=r"column 'l' holds.*\n.*'s' holds.*\n.*'my bytes'.*\n.*set ") as raised:
        data.load(load(*words, "data.drop=[id]").data)
    (remedy,) = shlex.split(str(raised.value).rpartition("set ")[2])
    assert [*data.load(load(*words, remedy).data).rows.inputs] == ["a"]


def test_a_column_of_another_type_in_a_database_can_be_dropped(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as base:
        base.execute("create table t (a real, y real, b blob)")
        base.executemany("insert into t values (?, ?, ?)", [(n, n % 7 / 3, b"\x00") for n in range(60)])
        base.commit()
    words = ["data=plain_table", f"data.path=sqlite:///{tmp_path / 't.db'}", "data.query='select * from t'"]
    assert [*data.load(load(*words, "data.target=y", "data.drop=[b]").data).rows.inputs] == ["a"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (",Unnamed: 0,a,y", ["Unnamed: 0.1", "Unnamed: 0", "a", "y"]),
        (",Unnamed: 0.1,Unnamed: 0,y", ["Unnamed: 0.2", "Unnamed: 0.1", "Unnamed: 0", "y"]),
        (",,Unnamed: 0,Unnamed: 1", ["Unnamed: 0.1", "Unnamed: 1.1", "Unnamed: 0", "Unnamed: 1"]),
    ],
)
@pytest.mark.parametrize("streaming", ["off", "on"])
def test_an_index_that_was_written_twice_has_another_name(
    file: Callable[..., Path], header: str, names: list[str], streaming: str
) -> None:
    path = file("\n".join([header, *(f"{n},{n + 1},{n % 5},{n % 7}.5" for n in range(60))]))
    words = [f"data.target='{names[-1]}'", f"data.streaming={streaming}"]
    rows = data.load(load("data=plain_table", f"data.path={path}", *words).data).rows
    assert [*rows.inputs] == names[:-1]


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_an_index_may_have_the_name_of_a_column(tmp_path: Path, streaming: str) -> None:
    frame = pd.DataFrame({"id": np.arange(60) * 10, "a": np.arange(60.0), "y": np.arange(60.0) % 7 / 3})
    words = ["data=plain_table", f"data.path={tmp_path / 't.parquet'}", "data.target=y", f"data.streaming={streaming}"]
    frame.set_index("id", drop=False).to_parquet(tmp_path / "t.parquet")
    assert [*data.load(load(*words).data).rows.inputs] == ["id", "a"]
    frame.assign(z=frame.a % 3).set_index(["id", "z"]).assign(id=frame.id.to_numpy()).to_parquet(tmp_path / "t.parquet")
    assert sorted(data.load(load(*words).data).rows.inputs) == ["a", "id", "z"]


@pytest.mark.parametrize("n", [10, 200_000])
@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("start", ['a,"b,y\n1,2,3\n', 'a,b,y\n1,"2,3\n'])
def test_a_quotation_mark_at_the_beginning_that_is_never_closed(
    file: Callable[..., Path], start: str, n: int, streaming: str
) -> None:
    path = file(start + "4,5,6\n" * (n // 6 + 1))
    words = [f"data.path={path}", "data.target=y", f"data.streaming={streaming}"]
    with pytest.raises(DataError, match=r"data.path: .*t.csv cannot be read as a table: a quotation mark in .* close"):
        data.load(load("data=plain_table", *words).data)


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_a_first_row_with_a_long_text(file: Callable[..., Path], streaming: str) -> None:
    path = file("a,text,y\n" + f'1,"{"long, " * 30_000}",2\n' + "".join(f"{n},short,{n % 7}.5\n" for n in range(60)))
    words = [f"data.path={path}", "data.target=y", f"data.streaming={streaming}"]
    rows = data.load(load("data=plain_table", *words).data).rows
    assert max(map(len, rows.inputs["text"])) == 180_000 - 1
