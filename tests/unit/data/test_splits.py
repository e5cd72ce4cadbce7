"""Splits: what every kind promises."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data
from pipeline.data import InMemory, Rows, Splits
from pipeline.data.target import make_target
from support.splitting import KINDS, columns_to_split_by, divided, made, rules


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
def test_the_smallest_tables_are_divided_or_the_message_says_why_not(kind: str) -> None:
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


def test_people_of_a_real_table_stay_together(real_data: Callable[[str], Path]) -> None:
    people = pd.read_csv(real_data("parkinsons_telemonitoring/parkinsons_updrs.tsv"), sep="\t")["subject#"]
    rows = made(len(people), "regression", people.to_numpy(float))
    splits = data.split(rows, rules("kind=group"))
    keeps_its_promise(rows, splits, "group")
    assert abs(len(splits.test) / len(people) - 0.15) < 0.02


@pytest.mark.parametrize("kind", ["random", "stratified", "group", "kfold", "group_kfold"])
def test_other_rows_can_validate_where_they_were_drawn(kind: str) -> None:
    rows = made(column=columns_to_split_by(kind, 200, np.random.default_rng(0)))
    dataset = InMemory.divided(rows, data.split(rows, rules(f"kind={kind}")))
    folds, n_rows = dataset.folds(5, seed=0), dataset.n_rows["train"] + dataset.n_rows["val"]
    assert folds[0].tolist() == list(range(dataset.n_rows["train"], n_rows))
    assert sorted(np.concatenate(folds).tolist()) == list(range(n_rows))
    if dataset.groups is not None and "group" in kind:
        sides = [set(dataset.groups[fold].tolist()) for fold in folds]
        assert sum(map(len, sides)) == len(set().union(*sides))
    else:
        shares = [np.bincount(dataset.rows.target.values[fold, 0]) / len(fold) for fold in folds]
        assert np.ptp(shares[1:], axis=0).max() < 0.05
    assert dataset.folds(n_rows + 1, seed=0) == []


@pytest.mark.parametrize("kind", ["time", "column"])
def test_no_others_can_where_they_were_not(kind: str) -> None:
    rows = made(task="regression", column=columns_to_split_by(kind, 200, np.random.default_rng(0)))
    assert InMemory.divided(rows, data.split(rows, rules(f"kind={kind}"))).folds(4, seed=0) == []
