"""Tables that are read in blocks: the same rows, the same preprocessing and the same promises as in memory."""

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import ConfigError, DataError, data, load
from pipeline.config import Config
from pipeline.data.streaming import budget
from pipeline.data.streaming.running_statistics import Texts
from pipeline.data.streaming.streamed_dataset import Streamed
from support.streaming import split_file

pytestmark = pytest.mark.slow


def configured(path: object, *overrides: str) -> Config:
    return load(
        "data=plain_table",
        f"data.path='{path}'",
        "data.target=y",
        "data.streaming=on",
        "data.memory_budget=64MB",
        *overrides,
    )


def loaded(config: Config) -> Streamed:
    dataset = data.load(config.data)
    assert isinstance(dataset, Streamed)
    return dataset


def staged(config: Config) -> tuple[data.Dataset, data.Preprocessing, data.Arrays, data.Arrays]:
    dataset = data.load(config.data)
    preprocessing = dataset.fit(config.data)
    return dataset, preprocessing, *dataset.arrays(preprocessing)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("kind", "scaling"), [("csv", "standard"), ("csv.gz", "minmax"), ("parquet", "standard")])
def test_streamed_rows_are_what_the_same_rows_are_in_memory(
    mixed: pd.DataFrame, tmp_path: Path, kind: str, scaling: str
) -> None:
    for part, rows in enumerate([mixed[:900], mixed[900:2000], mixed[2000:]]):
        path = tmp_path / f"part{part}.{kind}"
        rows.to_parquet(path, row_group_size=400) if kind == "parquet" else rows.to_csv(path, index=False)
    overrides = [
        f"data.split.path={split_file(tmp_path, len(mixed))}", "data.impute=mean", "data.missing_indicator=true",
        f"data.input_scaling={scaling}", "data.sample_weight=weight", "data.drop=[group]",
        "data.category_encoding.by_column={city: embedding}",
    ]  # fmt: skip
    config = configured(tmp_path / f"part*.{kind}", *overrides)
    dataset, fitted, train, val = staged(config)
    whole, expected, in_memory, in_memory_val = staged(
        configured(tmp_path / f"part*.{kind}", *overrides, "data.streaming=off")
    )
    assert len(dataset.rows) < len(whole.rows)  # a sample
    assert (len(dataset), dataset.n_rows) == (len(whole), whole.n_rows)
    assert dataset.fingerprint == whole.fingerprint
    assert dataset.without(["city"]).fingerprint == whole.without(["city"]).fingerprint != whole.fingerprint
    assert fitted.inputs.kinds == expected.inputs.kinds
    assert fitted.inputs.categories == expected.inputs.categories
    # The date's deviation alone is the sample's.
    days = [place for place, name in enumerate(n for f in expected.inputs.features for n in f.names) if "day" in name]
    for one, other in ((train, in_memory), (val, in_memory_val)):
        x = one.x[:]
        assert x.shape == other.x.shape
        np.testing.assert_allclose(np.delete(x, days, 1), np.delete(other.x, days, 1), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(x[:, days], other.x[:, days], atol=0.15)
        np.testing.assert_allclose(one.y[:], other.y, rtol=1e-5, atol=1e-5)
        assert one.sample_weight is not None
        np.testing.assert_allclose(one.sample_weight[:], other.sample_weight, rtol=1e-5)
    np.testing.assert_allclose(fitted.outputs.units_per_scaled, expected.outputs.units_per_scaled)


@pytest.mark.usefixtures("small_blocks")
def test_a_column_that_clipping_makes_narrow_has_no_weight_either_way(mixed: pd.DataFrame, tmp_path: Path) -> None:
    path, split = tmp_path / "table.csv", split_file(tmp_path, len(mixed))
    mixed.assign(far=mixed.number.abs() + 1)[["far", "skewed", "y"]].to_csv(path, index=False)
    words = ("data.input_scaling=none", "data.clip=0.5", "data.narrowest_range=0.4")
    kinds = ("data.split.kind=indices", f"data.split.path={split}")
    found = {}
    for streaming in ("on", "off"):
        _, _, train, _ = staged(configured(path, *words, *kinds, f"data.streaming={streaming}"))
        found[streaming] = train.x[:]
    assert (found["off"].std(axis=0) > 0).tolist() == [False, True]
    np.testing.assert_allclose(found["on"], found["off"])


def parts_of(config: Config) -> pd.DataFrame:
    """Each row's split column and part, over a whole pass."""
    found = [
        pd.DataFrame({"number": first + np.arange(len(block)), "part": parts, **block.inputs})
        for block, parts, first in loaded(config).blocks("looked at")
    ]
    return pd.concat(found, ignore_index=True)


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
def test_every_kind_of_split_keeps_its_promise(mixed: pd.DataFrame, tmp_path: Path) -> None:
    mixed["says"] = np.random.default_rng(2).choice(["train", "validation", "test"], len(mixed))
    mixed["again"] = mixed["group"]
    path = tmp_path / "t.csv"
    mixed.to_csv(path, index=False)

    drawn = parts_of(configured(path))
    shares = drawn.part.value_counts(normalize=True)
    assert np.allclose(shares.sort_index(), [0.7, 0.15, 0.15], atol=0.03)
    assert drawn.equals(parts_of(configured(path)))
    assert not drawn.part.equals(parts_of(configured(path, "data.split.seed=5")).part)

    by_group = parts_of(configured(path, "data.split.kind=group", "data.split.column=group"))
    assert (by_group.groupby("again").part.nunique() == 1).all()
    assert by_group.part.nunique() == 3

    in_time = parts_of(
        configured(path, "data.split.kind=time", "data.split.column=day", "data.column_kinds={day: date}")
    )
    ends = in_time.groupby("part").day.agg(["min", "max"])
    assert ends["max"][0] < ends["min"][1]
    assert ends["max"][1] < ends["min"][2]

    said = parts_of(configured(path, "data.split.kind=column", "data.split.column=says"))
    assert (said.part.to_numpy() == mixed["says"].map({"train": 0, "validation": 1, "test": 2}).to_numpy()).all()

    for kind in ("kfold", "group_kfold"):
        column = ["data.split.column=group"] if kind == "group_kfold" else []
        folds = [
            parts_of(configured(path, f"data.split.kind={kind}", f"data.split={{n_folds: 3, fold: {fold}}}", *column))
            for fold in range(3)
        ]
        assert (sum((fold.part == 2).astype(int) for fold in folds) == 1).all()


@pytest.mark.usefixtures("small_blocks")
def test_text_that_comes_late_makes_a_column_text_from_the_first_row_on(
    mixed: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mixed["code"] = np.arange(3000) % 4
    mixed["code"] = mixed["code"].astype(object)
    mixed.loc[2900, "code"] = "B7"
    path = tmp_path / "t.csv"
    mixed.to_csv(path, index=False)
    with caplog.at_level(logging.INFO):
        dataset = loaded(configured(path))
    assert dataset.rows.inputs["code"].dtype == object
    assert "column 'code' holds text in some rows and numbers in others" in caplog.text
    counts = dataset.inputs["code"]
    assert isinstance(counts, Texts)
    assert set(counts.counts) >= {"0", "1", "2", "3"}


@pytest.mark.usefixtures("small_blocks")
def test_an_encoding_shows_late(mixed: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mixed["city"] = "Bonn"
    mixed.loc[2990, "city"] = "Köln"
    path = tmp_path / "t.csv"
    pd.concat([mixed] * 3).to_csv(path, index=False, encoding="latin-1")
    with caplog.at_level(logging.INFO):
        dataset = loaded(configured(path))
    assert "read as cp1252" in caplog.text
    assert set(dataset.inputs["city"].counts or ()) == {"Bonn", "Köln"}
    with pytest.raises(DataError, match=r"data.path: .*t.csv cannot be read as utf-8.*set data.encoding=auto"):
        data.load(configured(path, "data.encoding=utf-8").data)


@pytest.mark.usefixtures("small_blocks")
def test_a_test_file_and_its_labels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=1500)
    frame = pd.DataFrame({"a": a, "y": np.where(a > 0, "yes", "no")})
    frame[:1000].to_csv(tmp_path / "t.csv", index=False)
    frame[1000:].assign(y=frame.y[1000:] + ".").to_csv(tmp_path / "test.csv", index=False)
    config = configured(
        tmp_path / "t.csv", f"data.split.test_path={tmp_path / 'test.csv'}", "data.split.test_fraction=null"
    )
    dataset, _, train, _ = staged(config)
    assert dataset.rows.target.classes.tolist() == ["no", "yes"]
    assert dataset.n_rows["test"] == 500
    assert sum(len(part) for name, part in dataset.scored() if name == "test") == 500
    assert set(np.unique(train.y[:])) == {0, 1}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3", "row 2000 .*has 3"),
        ("7,", "column 'y' has 1 missing values, first in row 2000"),
        ("inf,1", "column 'a' has 1 infinite values, first in row 2000"),
    ],
)
def test_a_bad_row_far_down_is_named(file: Callable[..., Path], line: str, message: str) -> None:
    lines = [f"{i % 7},{i / 9}" for i in range(3000)]
    lines[2000] = line
    with pytest.raises(DataError, match=message):
        data.load(configured(file("\n".join(["a,y", *lines]))).data)


def test_a_table_that_fits_is_not_streamed(table: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    path = table(a=np.arange(50), y=np.arange(50) / 3)
    auto = load("data=plain_table", f"data.path={path}", "data.target=y")
    assert isinstance(data.load(auto.data), data.InMemory)
    with pytest.raises(ConfigError, match=r"data.streaming: on reads CSV and Parquet files, but digits is in memory"):
        load("data.streaming=on")
    with path.open("a") as opened:
        opened.writelines(f"{i},{i}\n" for i in range(10**6))
    with caplog.at_level(logging.INFO):
        assert budget.streams(auto.data.model_copy(update={"memory_budget": "32MB"}))
    assert "data.memory_budget, 0.0 GB, so they are read in blocks" in caplog.text


def test_the_message_for_gzipped_parquet_says_to_unzip_it(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0], "y": [2.0]}).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress((tmp_path / "t.parquet").read_bytes()))
    with pytest.raises(DataError, match="is zipped Parquet, which can only be read as a whole; unzip it"):
        data.load(configured(tmp_path / "t.parquet.gz").data)
