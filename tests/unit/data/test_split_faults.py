"""Impossible splits: the message for each."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.data import Rows
from pipeline.data.target import make_target
from support.splitting import made, rules


def gap(column: list, at: int) -> list:
    return [*column[:at], float("nan") if isinstance(column[0], float) else "", *column[at + 1 :]]


DAYS = [f"2011-01-{1 + number % 28:02}" for number in range(100)]


@pytest.mark.parametrize(
    ("column", "overrides", "message"),
    [
        (["a"] * 100, ["kind=group"], "column 's' has 1 group ('a') in 100 rows, but train, val and test need"),
        (["a", "b"] * 50, ["kind=group"], "column 's' has 2 groups ('a', 'b') in 100 rows, but train, val and test"),
        ([1.0, 2.0, 2.5, 3.0] * 25, ["kind=group_kfold"], "5 folds need as many groups, but there are 4 in column 's'"),
        (["a", "b"] * 50, ["kind=group_kfold", "n_folds=2"], "1 group ('"),
        (gap(["a", "b", "c", "d"] * 25, 7), ["kind=group"], "column 's' has 1 missing values, first in row 7; kind"),
        (gap([1.0, 2.0, 3.0, 4.0] * 25, 9), ["kind=time"], "column 's' has 1 missing values, first in row 9; kind"),
        (gap(["train"] * 100, 3), ["kind=column"], "column 's' has 1 missing values, first in row 3; kind=column"),
        ([5.0] * 100, ["kind=time"], "column 's' has 1 distinct times in 100 rows, but train, val and test need one"),
        (["1", "2"] * 50, ["kind=time"], "column 's' has 2 distinct times in 100 rows"),
        (
            ["31.1.2011", *DAYS[1:50], "soon", "soon", *DAYS[52:99], "x"],
            ["kind=time"],
            "4 values of column 's' are neither numbers nor ISO dates: '31.1.2011' in row 0, 'soon' in row 50, "
            "'soon' in row 51, ...; write them as in 2011-01-31",
        ),
        (["7", *["8", "9"] * 49, "ten"], ["kind=time"], "are neither numbers nor ISO dates: 'ten' in row 99;"),
        (["now", *DAYS[1:]], ["kind=time"], "are neither numbers nor ISO dates: 'now' in row 0;"),
        (
            ["train", "val", "test", "tset"] * 25,
            ["kind=column"],
            "25 values of column 's' are not among train, val, validation, valid, test: 'tset' in row 3, 'tset'",
        ),
        ([0.0, 1.0] * 50, ["kind=column"], "validation, valid, test: 0 in row 0, 1 in row 1, 0 in row 2, ...;"),
        (["train", "test"] * 50, ["kind=column"], "column 's' never has the value val;"),
        (["train"] * 100, ["kind=column"], "column 's' never has the value val or test;"),
        (None, ["kind=group"], "table is an array without column names"),
        (None, ["kind=kfold", "n_folds=101"], "data.split.n_folds: 101 folds need as many rows, but there are 100"),
        (None, ["kind=kfold", "n_folds=60"], "every class needs a row in each of 60 folds, but class 0 has "),
    ],
)  # fmt: skip
def test_columns_and_folds_that_cannot_be(column: object, overrides: list[str], message: str) -> None:
    with pytest.raises(DataError) as raised:
        data.split(made(100, column=column), rules(*overrides))
    assert str(raised.value).startswith("data.split.")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("column", "overrides", "message"),
    [
        (None, ["kind=kfold"], "data.split.test_path: kfold tests every row in one of the folds"),
        (
            np.arange(100) // 3,
            ["kind=group"],
            "data.split.test_path: 1 groups of column 's' are in both files, first 26; remove their rows",
        ),
        (
            [*[f"2011-01-01T00:{min(number, 58):02}" for number in range(80)], *["2012-01-01", "2011-01-01"] * 10],
            ["kind=time"],
            "data.split.test_path: 10 of its rows are not later than the last time of the first file "
            "('2011-01-01T00:58' in column 's'), first row 1: '2011-01-01'; remove them",
        ),
        (gap(["a", "b"] * 50, 81), ["kind=group"], "1 missing values, first in row 1 of data.split.test_path"),
        (["a", "b"] * 40 + ["c"] * 20, ["kind=group"], ""),
        (["a"] * 80 + ["c"] * 20, ["kind=group"], "has 1 group ('a') in 80 rows, but train and val need one each"),
    ],
)  # fmt: skip
def test_test_files_that_cannot_be(column: object, overrides: list[str], message: str) -> None:
    rows, config = made(100, column=column, n_test=20), rules(*overrides, "test_path=more.csv")
    if not message:
        data.split(rows, config)
        return
    with pytest.raises(DataError) as raised:
        data.split(rows, config)
    assert message in str(raised.value)


def test_official_test_rows_and_folds() -> None:
    rows = replace(made(100), test_rows=np.arange(80, 100))
    with pytest.raises(DataError, match=r"data.split.kind: table has official test rows; use auto instead of kfold"):
        data.split(rows, rules("kind=kfold"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["p"] * 39 + ["q"], "(of 40 rows only one has the class 'q')"),
        (list("abcdefghijklmnopqrstuvwxyz0123456789+-*/"), "(of 40 rows only one has the class '*', '+', '-', "),
        (["p", "q", "r", "s", "t"] * 8, "(40 rows of 5 classes are divided into 36 and 4)"),
    ],
)  # fmt: skip
def test_classes_without_enough_rows(labels: list[str], message: str) -> None:
    target = make_target({"y": pd.Series(labels)}, "auto")
    rows = Rows("table", {"a": np.arange(40.0)}, target, None, None)
    with pytest.raises(DataError) as raised:
        data.split(rows, rules("val_fraction=0.1", "test_fraction=0.1"))
    assert str(raised.value).startswith("data.split.kind: stratified cannot put every class in every part " + message)


def classes(values: list[object]) -> Rows:
    return Rows(
        "table", {"a": np.arange(float(len(values)))}, make_target({"y": pd.Series(values)}, "auto"), None, None
    )


@pytest.mark.parametrize("kind", ["auto", "stratified", "random", "kfold"])
@pytest.mark.parametrize(
    "labels",
    [
        [f"c{row // 3}" for row in range(600)],  # no seed gives each of so many classes a training row
        [f"c{row // 5}" for row in range(600)],
        ["p"] * 39 + ["q"],
        ["p"] * 38 + ["q", "r"],
        ["p"] * 36 + ["q"] * 4,
    ],
)
def test_remedies_for_rare_classes_divide_the_rows(labels: list[object], kind: str) -> None:
    asked, remedies = [f"kind={kind}", "n_folds=5"], ["seed=0"]
    try:
        data.split(classes(labels), rules(*asked))
    except DataError as error:
        remedies = re.findall(r"(?:data\.split\.\w+=\S+ ?)+", str(error).replace(",", ""))
    for remedy in remedies:
        data.split(classes(labels), rules(*asked, *remedy.replace("data.split.", "").split()))
    assert remedies or (kind == "kfold" and labels.count(labels[-1]) == 1)


def test_the_message_for_counts_taken_for_classes_suggests_regression() -> None:
    with pytest.raises(DataError, match=r"; if 'y' is a number rather than a class, set data.task=regression$"):
        data.split(classes([0] * 30 + [1] * 9 + [14]), rules())
    with pytest.raises(DataError, match=r"use more rows of it; if 'y' is a number rather than a class"):
        data.split(classes([0] * 30 + [1] * 9 + [14]), rules("kind=kfold"))


def test_rows_without_a_target_may_be_in_none_of_the_listed_parts(tmp_path: Path) -> None:
    labels = [None if row % 10 == 3 else row / 7 for row in range(60)]
    pd.DataFrame({"a": range(60), "y": labels}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"a": range(60, 70), "y": [1.5, None] * 5}).to_csv(tmp_path / "more.csv", index=False)
    there = np.array([row for row in range(60) if row % 10 != 3])
    parts = {"train": there[:40], "val": there[40:], "test": np.arange(60, 70, 2)}
    np.savez(tmp_path / "parts.npz", **parts)
    words = [
        "data=plain_table", f"data.path={tmp_path / 't.csv'}", f"data.split.test_path={tmp_path / 'more.csv'}",
        f"data.split.path={tmp_path / 'parts.npz'}", "data.target=y", "data.missing_target=drop",
    ]  # fmt: skip
    for streaming in ("off", "on"):
        dataset = data.load(load(*words, f"data.streaming={streaming}", "data.memory_budget=64MB").data)
        for part, numbers in parts.items():
            assert dataset.part(part).inputs["a"].tolist() == numbers.tolist()
    np.savez(tmp_path / "parts.npz", **parts | {"val": [3, 13, 59]})
    for streaming in ("off", "on"):
        with pytest.raises(DataError, match=r"val names 2 rows without a target, first row 3; leave them"):
            data.load(load(*words, f"data.streaming={streaming}", "data.memory_budget=64MB").data)


def test_a_class_that_only_tests_is_named_with_what_helps() -> None:
    target = make_target({"y": pd.Series(["p", "q"] * 45 + ["r"] * 10)}, "auto")
    rows = Rows("table", {"a": np.arange(100.0)}, target, None, None, np.arange(100.0))
    with pytest.raises(DataError, match=r"no training row has the class r; use another split, or more rows of it"):
        data.split(rows, rules("kind=time"))
