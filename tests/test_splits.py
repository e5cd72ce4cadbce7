"""Splits: what every kind promises, what each is told where it cannot be, and duplicates on two sides."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline import DataError, data, load
from pipeline.config.rules import SPLIT_COLUMN_KINDS, Split
from pipeline.data import Rows, Splits
from pipeline.data.target import make_target

KINDS = ["random", "stratified", "group", "time", "column", "kfold", "group_kfold"]


def read(*overrides: str) -> Rows:
    return data.load(load(*overrides).data)


def divided(*overrides: str) -> tuple[Rows, Splits]:
    rows = read(*overrides)
    return rows, data.split(rows, load(*overrides).data.split)


@functools.cache
def defaults() -> Split:
    return load("data=table", "data.path=t.csv", "data.target=y").data.split


def rules(*overrides: str) -> Split:
    """The split section with these values, and a column `s` to split by where the kind has one."""
    given = {key: yaml.safe_load(value) for key, value in (override.split("=") for override in overrides)}
    column = {"column": "s"} if given.get("kind") in SPLIT_COLUMN_KINDS else {}
    return Split(**(defaults().model_dump() | column | given))


def made(n: int = 200, task: str = "multiclass", column: object = None, n_test: int = 0, seed: int = 0) -> Rows:
    """Rows of random numbers, with three classes or a number to predict, as reading a file gives them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n) if task == "multiclass" else rng.normal(size=n)
    target = make_target({"y": pd.Series(y)}, task)
    values = None if column is None else np.asarray(column, float if np.asarray(column).dtype.kind in "if" else object)
    return Rows("table", {"a": rng.normal(size=n)}, target, None, None, values, n_test)


def columns_to_split_by(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Groups of uneven size, times in no order and with ties, or parts in all spellings."""
    if "group" in kind:
        return np.array([f"g{number}" for number in rng.geometric(0.05, n)], object)
    if kind == "time":
        days = pd.Timestamp("2011-01-31") + pd.to_timedelta(rng.integers(0, 60, n), unit="h")
        return np.array([day.isoformat() for day in days], object)
    if kind == "column":
        return rng.choice(np.array(["train", "Train", "val", "VALID", "validation", "test ", "TEST"], object), n)
    return None


@pytest.mark.parametrize("kind", ["random", "stratified"])
def test_fractions_cover_every_row_once(kind: str) -> None:
    _, splits = divided("data=breast_cancer", f"data.split.kind={kind}", "data.split.val_fraction=0.2")
    assert sorted(np.concatenate([splits.train, splits.val, splits.test])) == list(range(569))
    assert (len(splits.val), len(splits.test)) == (114, 85)


def test_stratified_keeps_the_balance_of_classes() -> None:
    rows, splits = divided("data=breast_cancer")
    shares = [rows.target.values[part].mean() for part in splits.parts().values()]
    assert np.ptp(shares) < 0.01


def test_split_follows_its_own_seed() -> None:
    def training(*overrides: str) -> list[int]:
        return divided("data=iris", *overrides)[1].train.tolist()

    assert training("seed=1") == training("seed=1") != training("seed=2")
    assert training("seed=1", "data.split.seed=5") == training("seed=2", "data.split.seed=5")


def test_indices_give_the_split(tmp_path: Path) -> None:
    path = tmp_path / "split.npz"
    np.savez(path, train=np.arange(100, 150), val=[0, 1, 2], test=[50, 3])
    with pytest.raises(DataError, match="no training row has the class setosa, versicolor"):
        divided("data=iris", f"data.split.path={path}")
    np.savez(path, train=np.arange(10, 150), val=[0, 1, 2], test=[5, 3])
    _, splits = divided("data=iris", f"data.split.path={path}")
    assert splits.test.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": [1, 2], "val": [2], "test": [3]}, "1 rows are in both train and val, first row 2"),
        ({"train": [1, 2], "val": [3], "test": [2]}, "1 rows are in both train and test, first row 2"),
        (
            {"train": [1, 2], "val": [3], "test": []},
            "test must be a list of whole row numbers|no rows are left for test",
        ),
        ({"train": [1, 999], "val": [3], "test": [4]}, "train names row 999, but the data have rows 0 to 441"),
        ({"train": [1, -1], "val": [3], "test": [4]}, "train names row -1"),
        ({"train": [1, 1], "val": [3], "test": [4]}, "train names a row twice"),
        ({"train": [1.5], "val": [3], "test": [4]}, "train must be a list of whole row numbers, got float64"),
        ({"train": [1, 2], "val": [3]}, "lacks test; it has train, val"),
    ],
)
def test_wrong_indices(tmp_path: Path, parts: dict, message: str) -> None:
    np.savez(tmp_path / "split.npz", **parts)
    with pytest.raises(DataError, match=f"data.split.*({message})"):
        divided("data=diabetes", f"data.split.path={tmp_path / 'split.npz'}")


def test_split_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "split.npz").write_text("train: 1")
    with pytest.raises(DataError, match=r"data.split.path: .*split.npz cannot be read as .npz"):
        divided("data=iris", f"data.split.path={tmp_path / 'split.npz'}")
    with pytest.raises(DataError, match=r"data.split.path: there is no file nowhere.npz"):
        divided("data=iris", "data.split.path=nowhere.npz")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data=linnerud", "data.split.val_fraction=0.01"], "val_fraction: 0.01 of 20 rows is no row"),
        (
            ["data=linnerud", "data.split.val_fraction=0.5", "data.split.test_fraction=0.49"],
            "none are left to train on",
        ),
        (["data=iris", "data.split.test_fraction=null"], "test_fraction: iris has no official test rows"),
        (["data=diabetes", "data.split.kind=stratified"], "stratified needs classes"),
        (["data=digits", "data.split.test_fraction=0.005"], "stratified cannot put every class on every side"),
    ],
)
def test_splits_that_cannot_be(overrides: list[str], message: str) -> None:
    with pytest.raises(DataError, match=rf"data.split.*{message}"):
        divided(*overrides)


def keeps_its_promise(rows: Rows, splits: Splits, kind: str) -> None:
    parts = splits.parts()
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(rows)))
    assert all(part.dtype == np.int64 and len(part) for part in parts.values())
    if "group" in kind:
        sides = [set(rows.split_column[part]) for part in parts.values()]
        assert sum(map(len, sides)) == len(set().union(*sides))
    if kind == "time":
        train, val, test = (rows.split_column[part] for part in parts.values())
        assert max(train) < min(val) <= max(val) < min(test)
    if kind == "column":
        assert [{value.strip().lower()[:2] for value in rows.split_column[part]} for part in parts.values()] == [
            {"tr"},
            {"va"},
            {"te"},
        ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_every_kind_keeps_its_promise(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 400))
    task = "multiclass" if kind == "stratified" or seed % 2 else "regression"
    rows = made(n, task, columns_to_split_by(kind, n, rng), seed=seed)
    config = rules(f"kind={kind}", f"seed={seed}", f"val_fraction={rng.uniform(0.1, 0.3):.2f}")
    splits = data.split(rows, config)
    keeps_its_promise(rows, splits, kind)
    again = data.split(rows, config)
    assert all(
        (part == other).all() for part, other in zip(splits.parts().values(), again.parts().values(), strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_tables_are_divided_or_told_why_not(kind: str) -> None:
    rng = np.random.default_rng(0)
    divided_ones = 0
    for _ in range(150):
        n = int(rng.integers(2, 14))
        y = [0, 1, *rng.integers(0, 3, n - 2)] if rng.random() < 0.5 or kind == "stratified" else rng.normal(size=n)
        target = make_target({"y": pd.Series(y)}, "auto")
        first, last = sorted(rng.integers(0, 10, 2))
        values = rng.choice(["2011-01-31", "1", "2", "3", "4", "", "train", "val", "test", "TEST"][first : last + 1], n)
        n_test = int(rng.integers(0, n)) if rng.random() < 0.3 else 0
        rows = Rows("table", {"a": rng.normal(size=n)}, target, None, None, values.astype(object), n_test)
        try:
            splits = data.split(rows, rules(f"kind={kind}", f"n_folds={rng.integers(2, 5)}", "val_fraction=0.3"))
        except DataError:
            continue
        divided_ones += 1
        keeps_its_promise(rows, splits, kind)
    assert divided_ones


@pytest.mark.parametrize("kind", ["kfold", "group_kfold"])
@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("n_folds", [2, 3, 7])
def test_all_folds_together_test_every_row_once(kind: str, task: str, n_folds: int) -> None:
    rows = made(300, task, columns_to_split_by(kind, 300, np.random.default_rng(1)))
    folds = [data.split(rows, rules(f"kind={kind}", f"n_folds={n_folds}", f"fold={fold}")) for fold in range(n_folds)]
    for splits in folds:
        keeps_its_promise(rows, splits, kind)
    assert sorted(np.concatenate([splits.test for splits in folds]).tolist()) == list(range(300))


def test_folds_of_very_many_groups() -> None:
    rows = made(12_000, column=np.arange(12_000) // 1.1)
    splits = data.split(rows, rules("kind=group_kfold"))
    keeps_its_promise(rows, splits, "group_kfold")
    assert abs(len(splits.test) - 2400) < 100


def test_folds_of_classes_are_balanced_and_follow_the_seed() -> None:
    rows = made(300)
    splits = data.split(rows, rules("kind=kfold", "n_folds=5", "fold=2", "val_fraction=0.25"))
    assert (len(splits.test), len(splits.val)) == (60, 60)
    for part in splits.parts().values():
        shares = np.bincount(rows.target.values[part, 0]) / len(part)
        np.testing.assert_allclose(shares, np.bincount(rows.target.values[:, 0]) / 300, atol=0.02)
    other = data.split(rows, rules("kind=kfold", "n_folds=5", "fold=2", "seed=8"))
    assert other.test.tolist() != splits.test.tolist()


@pytest.mark.parametrize("kind", ["random", "stratified", "group", "time"])
def test_a_test_file_tests_and_wins_over_the_fraction(kind: str) -> None:
    column = {"group": [*np.arange(160) % 20, *[99] * 40], "time": np.arange(200)}.get(kind)
    rows = made(200, column=column, n_test=40)
    splits = data.split(rows, rules(f"kind={kind}", "test_path=more.csv", "val_fraction=0.25"))
    keeps_its_promise(rows, splits, "random")
    assert splits.test.tolist() == list(range(160, 200))
    assert len(splits.val) == 40


def test_row_numbers_and_parts_run_over_both_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", train=np.arange(50, 200), val=np.arange(20, 50), test=np.arange(20))
    config = rules(f"path={tmp_path / 's.npz'}", "test_path=more.csv")
    assert data.split(made(200, n_test=40), config).test.tolist() == list(range(20))
    rows = made(200, column=["test", "train", "val", "train"] * 50, n_test=40)
    assert data.split(rows, rules("kind=column", "test_path=more.csv")).test.tolist() == list(range(0, 200, 4))


def test_take_keeps_the_column_and_forgets_the_file() -> None:
    rows = made(20, "regression", np.arange(20), n_test=5).take(np.array([3, 19]))
    assert rows.split_column is not None
    assert (rows.split_column.tolist(), rows.n_test_file_rows) == ([3, 19], 0)


def test_fractions_are_of_rows_also_where_groups_differ_in_size() -> None:
    column = np.repeat(np.arange(103.0), [600, 200, 100, *[1] * 100])
    for seed in range(10):
        splits = data.split(made(1000, column=column), rules("kind=group", f"seed={seed}", "test_fraction=0.2"))
        assert abs(len(splits.test) - 200) <= 50
        assert abs(len(splits.val) - 150) <= 50


@pytest.mark.parametrize(
    "values",
    [
        [9.0, 10.0, -1.5],
        ["9", "10", "-1.5"],
        ["2011-01-31", "2011-12-01", "2010-02-28"],
        ["2011-01-31 09:00", "2011-01-31T17:30:00", "2011-01-31"],
        ["2011-01-31T12:00+02:00", "2011-01-31T11:00Z", "2011-01-31T09:59"],
        ["2011-02", "20110301", "2011"],
    ],
    ids=["numbers", "numbers as text", "dates", "times of day", "zones", "short forms"],
)
def test_time_goes_by_the_clock_not_by_the_alphabet(values: list) -> None:
    rows = made(90, column=np.array(values * 30, object if isinstance(values[0], str) else float))
    splits = data.split(rows, rules("kind=time"))
    assert [list(rows.split_column[part]) for part in splits.parts().values()] == [
        [values[2]] * 30,
        [values[0]] * 30,
        [values[1]] * 30,
    ]


def test_time_cuts_at_the_nearest_change_of_time() -> None:
    splits = data.split(made(100, column=np.arange(100) // 4), rules("kind=time"))
    assert [len(part) for part in splits.parts().values()] == [68, 16, 16]


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
            "25 values of column 's' are none of train, val, validation, valid, test: 'tset' in row 3, 'tset' in row 7",
        ),
        ([0.0, 1.0] * 50, ["kind=column"], "validation, valid, test: 0 in row 0, 1 in row 1, 0 in row 2, ...;"),
        (["train", "test"] * 50, ["kind=column"], "column 's' says val in no row"),
        (["train"] * 100, ["kind=column"], "column 's' says val and test in no row"),
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
        (None, ["kind=kfold"], "data.split.test_path: kfold lets every row test in one of the folds"),
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
    assert str(raised.value).startswith("data.split.kind: stratified cannot put every class on every side " + message)


def test_a_class_that_only_tests_is_named_with_what_helps() -> None:
    target = make_target({"y": pd.Series(["p", "q"] * 45 + ["r"] * 10)}, "auto")
    rows = Rows("table", {"a": np.arange(100.0)}, target, None, None, np.arange(100.0))
    with pytest.raises(DataError, match=r"no training row has the class r; use another split, or more rows of it"):
        data.split(rows, rules("kind=time"))


def test_people_of_a_real_table_stay_together(real_data: Callable[[str], Path]) -> None:
    people = pd.read_csv(real_data("parkinsons_telemonitoring/parkinsons_updrs.tsv"), sep="\t")["subject#"]
    rows = made(len(people), "regression", people.to_numpy(float))
    splits = data.split(rows, rules("kind=group"))
    keeps_its_promise(rows, splits, "group")
    assert abs(len(splits.test) / len(people) - 0.15) < 0.02
