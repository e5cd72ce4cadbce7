"""Text in a column of dates that is not a date, or has another format: an error; missing values remain missing."""

import datetime
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline import DataError
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import FORMATS, DateFormat
from pipeline.data.reading.notation import WITH_OFFSET, is_date, written_date
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.tensorflow_ops import TensorOps
from pipeline.inference.batch.parse_blocks import BlockParser
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.http.request_errors import RefusedError
from pipeline.inference.http.request_values import check
from support.input_columns import text

WHEN = text("when", date="year-month-day")
SAID = "column 'when', row {}: {!r} is not a date as year-month-day, the format in training"


@pytest.mark.parametrize("date", FORMATS, ids=lambda date: date.name)
def test_a_moment_is_written_as_it_is_parsed(date: DateFormat) -> None:
    moment = datetime.datetime(2021, 2, 3, 12, 30, 15)
    written = written_date(date.name, moment)
    assert date.days(NumpyOps(), np.array([written], object)) == pytest.approx(18661.5210069444)
    assert date.first_other(np.array(["", written, "yesterday"], object)) == 2
    assert is_date(date.name, written)


DAYS = {"2021-02-28": True, "2020-2-9": True, "0000-02-29": True, "2000-2-29": True, "2021-02-29": False,
        "1900-2-29": False, "2021-13-01": False, "2021-0-01": False, "2021-1-0": False, "2021-4-31": False}  # fmt: skip
TIMES = {"": True, " 23:59:59": True, "T0:00Z": True, " 10:00+00:00": True, "T10:00:00.25": True, " 27:75": False,
         " 24:00": False, " 12:60": False, " 12:30:60": False, " 12": False, " 10:00+02:60": False}  # fmt: skip


@pytest.mark.parametrize("date", FORMATS, ids=lambda date: date.name)
def test_all_that_reads_dates_agrees_on_what_is_one(date: DateFormat) -> None:
    moments, right = [], []
    for (day, is_day), (time, is_time) in itertools.product(DAYS.items(), TIMES.items()):
        fields = dict(zip(("year", "month", "day"), day.split("-"), strict=True))
        fields |= {name: f"{int(number):02}" for name, number in fields.items() if date.name.startswith("yearmonthday")}
        written = re.sub("year|month|day", lambda field, of=fields: of[field[0]], date.name.removesuffix(WITH_OFFSET))
        moments.append(written + time)
        right.append(
            is_day and is_time and not (date.name.startswith("yearmonthday") and (day < "1600" or "T0:" in time))
        )
    assert [is_date(date.name, moment) for moment in moments] == right
    assert (~np.isnan(date.days(NumpyOps(), np.array(moments, object)))).tolist() == right
    assert (~np.isnan(date.days(TensorOps(), tf.constant(moments)))).tolist() == right


@pytest.mark.parametrize("bad", ["01/01/2021", "yesterday", "2021-02-30", "2021-01-01 10:00+02:60", "2021-01-01 27:75"])
def test_new_rows_are_refused_with_their_row(bad: str) -> None:
    texts = ["2021-01-01", "", "2021-1-2 03:04", bad, bad]
    with pytest.raises(DataError) as error:
        BlockParser([WHEN]).columns(pa.table({"when": texts}), 10)
    assert SAID.format(13, bad) in str(error.value)
    good = BlockParser([WHEN]).columns(pa.table({"when": [*texts[:3], "NA", None]}), 10)
    assert good["when"].tolist() == [*texts[:3], "", ""]


@pytest.mark.parametrize(
    ("given", "instant"),
    [("2021-01-01 10:00+02:00", "2021-01-01T08:00:00"), ("2021-01-01T01:30:07-0330", "2021-01-01T05:00:07"),
     ("2020-12-31T23:59 -12", "2021-01-01T11:59:00"), ("0001-01-01T00:00+01:00", None), ("2021-01-01+02:00", None)],
)  # fmt: skip
def test_an_offset_is_an_instant_where_training_had_none(given: str, instant: str | None) -> None:
    block = pa.table({"when": [given]})
    if instant is None:
        with pytest.raises(DataError, match="is not a date as year-month-day"):
            BlockParser([WHEN]).columns(block, 0)
    else:
        assert BlockParser([WHEN]).columns(block, 0)["when"].tolist() == [instant]


def test_an_older_model_takes_what_it_took() -> None:
    found = BlockParser([replace(WHEN, date=None)]).columns(pa.table({"when": ["someday"]}), 0)
    assert found["when"].tolist() == ["someday"]


def test_dates_with_a_type_are_written_as_training_wrote_them() -> None:
    days = [datetime.date(2021, 2, 3), None]
    found = BlockParser([replace(WHEN, date="day.month.year")]).columns(pa.table({"when": days}), 0)
    assert found["when"].tolist() == ["03.02.2021T00:00:00", ""]


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory, untrained: Callable[..., Path]) -> tuple[Path, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("dated")
    days = pd.date_range("2020-01-01", periods=40).strftime("%Y-%m-%d")
    table = pd.DataFrame({"when": days, "a": np.arange(40) % 7 + 0.5, "y": np.arange(40) * 1.5})
    table.to_csv(folder / "t.csv", index=False)
    return untrained(folder / "m", "data=plain_table", f"data.path={folder / 't.csv'}", "data.target=y"), table


def test_the_manifest_has_the_format_and_the_model_keeps_to_it(
    dated: tuple[Path, pd.DataFrame], tmp_path: Path
) -> None:
    folder, table = dated
    model = LoadedModel(folder)
    assert model.manifest.inputs["when"].date == "year-month-day"
    assert model.manifest.inputs["a"].date is None
    table.loc[5, "when"] = "01/01/2021"
    for suffix in (".csv", ".parquet"):
        path = tmp_path / f"n{suffix}"
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
        with pytest.raises(DataError, match="column 'when', row 5: '01/01/2021' is not a date as year-month-day"):
            predict(str(folder), path, tmp_path / "o.csv")
    with pytest.raises(DataError, match="column 'when', row 5: '01/01/2021' is not a date as year-month-day"):
        model.predict(table)
    typed = table.assign(when=pd.to_datetime(table["when"], format="%Y-%m-%d", errors="coerce"))
    with pytest.warns(
        UserWarning, match="column 'when': a gap in row 5, but training had none; replaced by an average"
    ):
        assert np.isfinite(model.predict(typed)["prediction"]).all()


def test_the_server_refuses_them() -> None:
    good = check([WHEN], {"when": ["2021-01-01", None, ""]}, strict=False)
    assert good.columns["when"].tolist() == ["2021-01-01", "", ""]
    with pytest.raises(
        RefusedError, match="row 1, column 'when': 'yesterday' is not a date as year-month-day"
    ) as error:
        check([WHEN], {"when": [" 2021-01-01 ", "yesterday"]}, strict=False)
    assert error.value.status == 400
    assert json.dumps(error.value.faults)
