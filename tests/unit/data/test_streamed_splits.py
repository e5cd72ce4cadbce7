"""Splits of tables that are read in blocks keep groups and times apart as in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.config import Config
from pipeline.data.streaming.streamed_dataset import Streamed

pytestmark = pytest.mark.usefixtures("small_blocks")


def configured(path: Path, *overrides: str) -> Config:
    words = ["data=plain_table", f"data.path='{path}'", "data.target=y", "data.streaming=on"]
    return load(*words, "data.memory_budget=64MB", *overrides)


def parts_of(config: Config) -> pd.DataFrame:
    """Inputs and part of each row, over a whole pass."""
    dataset = data.load(config.data)
    assert isinstance(dataset, Streamed)
    found = [pd.DataFrame({"part": parts, **block.inputs}) for block, parts, _ in dataset.blocks("looked at")]
    return pd.concat(found, ignore_index=True)


def table(n: int = 6000, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=n), "y": rng.normal(size=n), **columns})


def patients(late: object, n: int = 6000) -> np.ndarray:
    """40 patients whose ids are numbers, and one in the last row whose id is text."""
    ids = np.random.default_rng(1).integers(10, 50, n).astype(str).astype(object)
    ids[-1] = late
    return ids


def written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, row_group_size=500)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize(("late", "kind"), [("A12", "group"), ("007", "group"), ("1.50", "group_kfold")])
def test_a_group_stays_whole_if_the_ids_of_some_blocks_are_numbers(
    tmp_path: Path, name: str, late: str, kind: str
) -> None:
    ids = patients(late)
    path = written(table(patient=ids), tmp_path / name)
    parts = parts_of(configured(path, f"data.split.kind={kind}", "data.split.column=patient"))
    assert parts.part.nunique() == 3
    assert (parts.part.groupby(ids).nunique() == 1).all()
    alone = parts_of(
        configured(
            path, f"data.split.kind={kind}", "data.split.column=patient", "data.column_kinds={patient: category}"
        )
    )
    assert alone.part.equals(parts.part)


def test_a_split_by_groups_of_numbers_does_not_change(tmp_path: Path) -> None:
    ids = patients("17")
    path = written(table(patient=ids), tmp_path / "t.csv")
    parts = parts_of(configured(path, "data.split.kind=group", "data.split.column=patient"))
    as_before = ["23", "27", "31", "32", "34", "46", "47", "49"]  # in runs of earlier versions
    assert sorted(set(ids[parts.part == 2])) == as_before


def test_times_are_years_in_some_blocks_and_days_in_others(tmp_path: Path) -> None:
    n = 6000
    years = np.repeat(np.arange(1990, 2020), n // 30).astype(str).astype(object)
    years[:150] = "1990-05-01"
    path = written(table(year=years), tmp_path / "t.csv")
    parts = parts_of(configured(path, "data.split.kind=time", "data.split.column=year"))
    assert (np.diff(parts.part) >= 0).all()  # not as dates behind all years
    assert parts.part.nunique() == 3


def test_rows_of_coarse_times_are_cut_at_the_nearest_time(tmp_path: Path) -> None:
    path = written(table(year=np.repeat(np.arange(2015, 2021), 1000)), tmp_path / "t.csv")
    split = ["data.split.kind=time", "data.split.column=year", "data.column_kinds={year: numeric}"]
    parts = parts_of(configured(path, *split))
    assert parts.groupby("year").part.unique().map(list).to_dict() == {
        2015: [0], 2016: [0], 2017: [0], 2018: [0], 2019: [1], 2020: [2]
    }  # fmt: skip
    whole = data.load(configured(path, *split, "data.streaming=off").data)
    assert whole.n_rows == {"train": 4000, "val": 1000, "test": 1000}
    written(table(year=np.repeat([2015, 2016], 3000)), path)
    with pytest.raises(DataError, match=r"'year' has 2 distinct times in 6000 rows, but train, val and test need"):
        data.load(configured(path, *split).data)


def with_test_file(tmp_path: Path, first: pd.DataFrame, later: pd.DataFrame, *overrides: str) -> Config:
    path, test_path = written(first, tmp_path / "t.csv"), written(later, tmp_path / "test.csv")
    return configured(path, f"data.split.test_path='{test_path}'", "data.split.test_fraction=null", *overrides)


def test_groups_of_a_test_file_must_be_others(tmp_path: Path) -> None:
    split = ["data.split.kind=group", "data.split.column=patient"]
    first = table(2000, patient=patients("A12", 2000))
    config = with_test_file(tmp_path, first, table(30, patient=["B1", "17", "B2"] * 10), *split)
    said = r"data.split.test_path: groups of column 'patient' are in both files, first '17' in row \d+; remove their"
    with pytest.raises(DataError, match=said):
        data.load(config.data)
    parts = parts_of(with_test_file(tmp_path, first, table(30, patient=["B1", "B2", "B3"] * 10), *split))
    assert (parts.part[-30:] == 2).all()
    assert not (parts.part[:-30] == 2).any()


def test_rows_of_a_test_file_must_be_later(tmp_path: Path) -> None:
    split = ["data.split.kind=time", "data.split.column=day"]
    days = pd.date_range("2020-01-01", periods=1500).strftime("%Y-%m-%d")
    later = table(300, day=["2040-01-01", days[-1], "2040-01-02"] * 100)
    said = (
        rf"data.split.test_path: its rows are not later than the last time of the first file \('{days[-1]}' in column "
        rf"'day'\), first row 1 of data.split.test_path: '{days[-1]}'; remove them, or leave data.split.kind"
    )
    with pytest.raises(DataError, match=said):
        data.load(with_test_file(tmp_path, table(1500, day=days), later, *split).data)
    later["day"] = "2040-01-01"
    assert (parts_of(with_test_file(tmp_path, table(1500, day=days), later, *split)).part[-300:] == 2).all()


@pytest.mark.parametrize("kind", ["random", "time", "indices", "group"])
def test_a_file_without_rows(file: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    np.savez(tmp_path / "s.npz", train=[0], val=[1], test=[2])
    split = {"indices": f"data.split.path={tmp_path / 's.npz'}", "random": "data.split.seed=1"}
    words = [f"data.split.kind={kind}", split.get(kind, "data.split.column=day")]
    with pytest.raises(DataError, match=r"data.path: .*t.csv has no rows"):
        data.load(configured(file("a,day,y\n"), *words).data)
