"""Dates of Parquet files, which have a type of their own: read in blocks they are the same text as in memory."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.data.streaming import streamed_dataset
from pipeline.data.streaming.streamed_dataset import Streamed

N = 3000


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.data.streaming.survey.block_bytes", lambda budget: 20_000)
    monkeypatch.setattr(streamed_dataset, "block_bytes", lambda budget: 20_000)


def table(of_days: str) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="D"))
    when: pd.Series = days.dt.date if of_days == "date" else days
    when = when.where(np.arange(N) % 7 > 0, None)
    when[500:1500] = None  # blocks without any
    return pd.DataFrame({"when": when, "a": rng.normal(size=N), "y": rng.normal(size=N)})


@pytest.mark.parametrize("of_days", ["datetime", "date"])
def test_dates_are_those_of_the_same_rows_in_memory(tmp_path: Path, of_days: str) -> None:
    table(of_days).to_parquet(tmp_path / "t.parquet", row_group_size=400)
    keys = ("data=plain_table", f"data.path={tmp_path / 't.parquet'}", "data.target=y", "data.memory_budget=64MB")
    config = load(*keys, "data.streaming=on").data
    dataset = data.load(config)
    assert isinstance(dataset, Streamed)
    read = [np.asarray(rows.inputs["when"]) for rows, _, _ in dataset.blocks("looked at")]
    whole = data.read_rows(load(*keys, "data.streaming=off").data)
    assert dataset.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(np.concatenate(read), np.asarray(whole.inputs["when"]))
    fitted = dataset.fit(config)
    assert fitted.inputs.kinds["when"] == "date"
    train, val = dataset.arrays(fitted)
    assert len(train.x) + len(val.x) > N * 0.8


def test_text_in_one_file_and_dates_in_another_are_named(tmp_path: Path) -> None:
    dates = table("date")
    dates.to_parquet(tmp_path / "t1.parquet")
    assert isinstance(dates["when"][1], datetime.date)
    dates.assign(when="2020-01-01").to_parquet(tmp_path / "t2.parquet")
    keys = ("data=plain_table", f"data.path='{tmp_path / 't*.parquet'}'", "data.target=y", "data.memory_budget=64MB")
    with pytest.raises(
        DataError, match="column 'when' has dates in one file and is text in another; store it as one type"
    ):
        data.load(load(*keys, "data.streaming=on").data)
