"""The dataset: what it promises in memory and read in blocks alike, and what a part costs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import DataError, data, load
from pipeline.config.rules import Data

N = 2000


@pytest.fixture
def path(table: Callable[..., Path]) -> Path:
    rng = np.random.default_rng(0)
    city = rng.choice(["Ulm", "Bonn", "Köln"], N)
    return table(a=rng.normal(size=N), same=1, city=city, y=rng.normal(size=N), w=rng.uniform(1, 2, N))


def config_of(path: Path, *overrides: str) -> Data:
    return load("data=plain_table", f"data.path={path}", "data.target=y", "data.sample_weight=w", *overrides).data


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_parts_and_columns_go_by_their_names(path: Path, streaming: str) -> None:
    config = config_of(path, f"data.streaming={streaming}", "data.memory_budget=64MB", "data.drop_useless=true")
    dataset = data.load(config)
    assert list(dataset.n_rows) == ["train", "val", "test"]
    assert sum(dataset.n_rows.values()) == len(dataset) == N
    scored = dict.fromkeys(dataset.n_rows, 0)
    for part, rows in dataset.scored():
        scored[part] += len(rows)
        assert list(rows.inputs) == ["a", "same", "city"]
    assert scored == dataset.n_rows
    less = data.without_useless(dataset, config)
    assert list(less.part("val").inputs) == list(less.rows.inputs) == ["a", "city"]
    assert {list(rows.inputs)[-1] for _, rows in less.scored()} == {"city"}
    preprocessing = less.fit(config)
    train, val = less.arrays(preprocessing)
    assert (len(train.x), len(val.x)) == (dataset.n_rows["train"], dataset.n_rows["val"])
    keys = {dataset.fingerprint, less.fingerprint, *(dataset.fingerprint_of(part) for part in dataset.n_rows)}
    assert len(keys) == 5


def test_a_part_is_the_rows_of_the_split_and_no_copy(path: Path) -> None:
    config = config_of(path)
    rows = data.read_rows(config)
    splits = data.split(rows, config.split)
    dataset = data.InMemory.divided(rows, splits)
    assert dataset.fingerprint == rows.fingerprint
    for name, numbers in splits.parts().items():
        part, expected = dataset.part(name), rows.take(numbers)
        assert part.fingerprint == expected.fingerprint == dataset.fingerprint_of(name)
        assert np.shares_memory(part.inputs["a"], dataset.rows.inputs["a"])
        assert np.shares_memory(part.target.values, dataset.rows.target.values)
        assert [part.places(k) for k in (0, 7)] == [f"row {numbers[k]}" for k in (0, 7)]
        of_all = getattr(dataset.splits, name)
        np.testing.assert_array_equal(dataset.rows.inputs["a"][of_all], part.inputs["a"])


def test_rows_in_no_part_are_looked_at_and_not_trained_on(path: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "split.npz", train=np.arange(100, 900), val=np.arange(900, 1000), test=np.arange(50))
    dataset = data.load(config_of(path, f"data.split.path={tmp_path / 'split.npz'}"))
    assert (len(dataset), sum(dataset.n_rows.values())) == (N, 950)
    assert dataset.rows.places(950) == "row 50"


def test_a_value_is_named_by_its_row_in_its_file(table: Callable[..., Path]) -> None:
    a = np.arange(40.0)
    path = table(a=a, y=a, w=1)
    a[2] = 1e29
    test_path = table("more.csv", a=a, y=np.arange(40) + 0.5, w=1)
    config = config_of(path, f"data.split.test_path={test_path}")
    dataset = data.load(config)
    with pytest.raises(DataError, match=r"column 'a', row 2 of data.split.test_path: 1e\+29 is"):
        dataset.fit(config).check(dataset.rows)
