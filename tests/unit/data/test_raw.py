"""Text as codes into its distinct texts, and arrays that are written from them a block at a time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import data, load
from pipeline.data import TextArray
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.scaling.statistics import median

TEXTS = ["b", "", "a", "b", "c", "a"]


def mixed(n: int) -> data.Rows:
    """Rows of numbers, of text that repeats and of text that does not, of dates and of codes."""
    rng = np.random.default_rng(0)
    number = rng.normal(size=n)
    inputs = {
        "number": np.where(rng.random(n) < 0.1, np.nan, number),
        "word": TextArray(rng.integers(0, 5, n), np.array(["x", "", "y", "z", "never"], object)),
        "name": TextArray.of([f"name {k}" for k in range(n)]),
        "code": rng.integers(0, 5, n).astype(float),
        "day": TextArray.of([f"{1 + k % 28}.{1 + k % 12}.{2000 + k % 7}" for k in range(n)]),
    }
    target = data.Target("regression", ("y",), number[:, None], np.array([]))
    return data.Rows("table", inputs, target, None, None)


def test_text_is_an_array_of_objects_to_whoever_asks() -> None:
    text = TextArray.of(TEXTS)
    assert (len(text), text.shape, text.ndim, text.dtype) == (6, (6,), 1, object)
    assert np.asarray(text).tolist() == list(text) == TEXTS
    assert text.codes.dtype == np.int32
    assert text.levels.tolist() == ["b", "", "a", "c"]
    assert text.gaps().tolist() == [False, True, False, False, False, False]
    assert text.counts().tolist() == [2, 1, 2, 1]


@pytest.mark.parametrize("rows", [slice(2, 4), np.array([5, 2]), np.array([4, 0, 0, 3, 1, 2, 5]), slice(0, 0)], ids=str)
def test_rows_of_text(rows: slice | np.ndarray) -> None:
    taken = TextArray.of(TEXTS)[rows]
    assert list(taken) == np.array(TEXTS, object)[rows].tolist()
    assert len(taken.levels) <= max(len(taken), 4)
    assert sorted(taken.used().levels) == sorted(set(taken))
    assert sorted(taken.present()) == sorted(set(taken))


def test_texts_that_become_equal_are_one_level() -> None:
    text = TextArray.from_levels(np.array([0, 1, -1, 2, 0]), ["a", "b", "a", ""])
    assert list(text) == ["a", "b", "", "a", "a"]
    assert len(set(text.levels)) == len(text.levels) == 3


@pytest.mark.parametrize("encoding", ["one_hot", "embedding", "hash", "ordinal"])
def test_blocks_of_rows_are_encoded_as_all_of_them_are(encoding: str) -> None:
    rows = mixed(21_000)  # enough for several threads and blocks
    config = load("data=plain_table", "data.path=x.csv", "data.target=y", f"data.category_encoding={encoding}").data
    preprocessing = data.fit_preprocessing(rows.take(np.arange(15_000)), config)
    arrays = preprocessing.apply(rows).x
    numbers = np.arange(len(rows))
    parts = [preprocessing.apply(rows.take(part)).x for part in np.array_split(numbers, 3)]
    np.testing.assert_array_equal(np.concatenate(parts), arrays)
    few = numbers[::1000]
    plain = {name: np.asarray(column[few]) for name, column in rows.inputs.items()}
    columns = [np.asarray(part).reshape(len(few), -1) for part in preprocessing.inputs.apply(NumpyOps(), plain)]
    np.testing.assert_allclose(np.concatenate(columns, axis=1), arrays[few], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 30_000, 30_001])
@pytest.mark.parametrize("kind", ["normal", "few", "sorted", "constant"])
def test_median_of_many_rows(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    column = {
        "normal": rng.normal(size=n),
        "few": rng.integers(0, 3, n).astype(float),
        "sorted": np.sort(rng.lognormal(3, 4, n)),
        "constant": np.full(n, 5.0),
    }[kind]
    assert median(column) == np.median(column)


def test_codes_with_zeros_in_front_stay_text_all_the_way(file: Callable[..., Path]) -> None:
    content = "zip, code,size,y\n" + "02134, 7,1,1.5\n2134, 12,02,2.5\n" * 30 + "00501, 007,3,4\n"
    rows = data.read_rows(load("data=plain_table", f"data.path={file(content)}", "data.target=y").data)
    assert {name: set(column) for name, column in rows.inputs.items()} == {
        "zip": {"02134", "2134", "00501"}, "code": {"7", "12", "007"}, "size": {"1", "02", "3"}
    }  # fmt: skip
