"""Messages about columns: their remedies work when pasted, and keep what the keys hold already."""

import logging
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError, data, load
from pipeline.config import Config
from pipeline.data.checks import report, report_text, without_useless
from pipeline.data.proposal import propose


def frame(n: int = 120, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"id": range(n), "a": rng.normal(size=n), "y": rng.normal(size=n), **columns})


def configured(path: Path, table: pd.DataFrame, *overrides: str) -> Config:
    table.to_csv(path / "t.csv", index=False)
    return load("data=plain_table", f"data.path={path / 't.csv'}", "data.target=y", *overrides)


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize(
    "word",
    [
        "data.column_kinds={region: category}", "data.category_encoding.by_column={region: one_hot}",
        "data.impute.by_column={one: mean}", "data.input_scaling.by_column={one: minmax}",
    ],
)  # fmt: skip
def test_a_key_may_name_a_column_that_is_left_out_as_useless(tmp_path: Path, word: str, streaming: str) -> None:
    words = [word, "data.drop_useless=true", "data.column_kinds.a=numeric", f"data.streaming={streaming}"]
    config = configured(tmp_path, frame(600, region="north", one=1.5), *words).data
    fitted = without_useless(data.load(config), config).fit(config)
    assert [*fitted.inputs.kinds] == ["a"]
    wrong = config.model_copy(update={"column_kinds": {"regio": "category"}})
    with pytest.raises(DataError, match="unknown input column 'regio'"):
        without_useless(data.load(wrong), wrong).fit(wrong)


@pytest.mark.parametrize("word", ["data.column_formats={prise: '1.234,5'}", "data.drop=[prise]"])
def test_a_proposal_names_an_unknown_column(tmp_path: Path, word: str) -> None:
    frame(price="1").to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"data\.\w+: unknown column 'prise', did you mean 'price'"):
        propose(str(tmp_path / "t.csv"), [word])


def test_a_proposal_may_drop_a_column_with_a_format(tmp_path: Path) -> None:
    frame(price=[f"1.{n:03},5" for n in range(120)]).to_csv(tmp_path / "t.csv", index=False)
    found = propose(str(tmp_path / "t.csv"), ["data.column_formats={price: '1.234,5'}", "data.drop=[price]"])
    assert "price" not in [column.name for column in found.report.columns]


def test_a_warning_of_leaks_keeps_what_is_dropped(tmp_path: Path) -> None:
    table = frame(400)
    config = configured(tmp_path, table.assign(one=table.y * 2, two=table.y**3), "data.drop=[id]").data
    dataset = data.load(config)
    found = report(dataset, dataset.fit(config).inputs.kinds, config.drop)
    (said,) = [line for line in report_text.warnings(found) if "almost perfectly" in line]
    assert said.endswith('"data.drop=[id,one,two]"')
    assert str(report_text.leak_advice(found)).startswith('"data.drop=[id,one,two]"')


def test_a_warning_of_marks_keeps_those_that_are_set(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = np.arange(120).astype(str).astype(object)
    texts[[3, 5]] = "tbd", "none yet"
    with caplog.at_level(logging.WARNING):
        data.load(configured(tmp_path, frame(b=texts), "data.missing_values=[none yet, -999]").data)
    assert "\"data.missing_values=['none yet', -999, 'tbd']\"" in caplog.text


@pytest.mark.parametrize("n_days", [3, 12])
@pytest.mark.parametrize("wanted", ["%d-%m-%Y", "%m-%d-%Y"])
def test_dates_that_can_be_read_both_ways(tmp_path: Path, n_days: int, wanted: str) -> None:
    days = [f"{1 + n % n_days:02}-{1 + n % 2:02}-2019" for n in range(120)]
    words = ["data.column_kinds={m: date}"]
    said = r"'m' holds dates that may be day-month-year or month-day-year, such as '01-01-2019', as no day is above 12"
    with pytest.raises(DataError, match=said) as raised:
        data.load(configured(tmp_path, frame(m=days), *words).data)
    assert " 0 values" not in str(raised.value)
    (remedy,) = [word for word in shlex.split(str(raised.value).partition("with ")[2]) if wanted in word]
    config = configured(tmp_path, frame(m=days), *words, remedy).data
    assert data.load(config).fit(config).inputs.kinds["m"] == "date"


def test_dates_whose_days_show_only_in_other_rows(tmp_path: Path) -> None:
    days = [f"{1 + n % 12:02}-01-2019" for n in range(100)] + ["25-01-2019"] * 20
    says = ["train"] * 80 + ["val"] * 20 + ["test"] * 20
    words = ["data.column_kinds={m: date}", "data.split.kind=column", "data.split.column=says"]
    config = configured(tmp_path, frame(m=days, says=says), *words).data
    with pytest.raises(DataError, match=r"'m' holds dates that may be .*%d-%m-%Y.* or .*%m-%d-%Y"):
        data.load(config).fit(config)


def test_an_empty_column_is_no_date(tmp_path: Path) -> None:
    said = "data.column_kinds: column 'm' has no values in training rows, so it cannot be date; leave it out of data."
    for streaming in ("off", "on"):
        config = configured(tmp_path, frame(m=None), "data.column_kinds={m: date}", f"data.streaming={streaming}").data
        with pytest.raises(DataError, match=said):
            data.load(config).fit(config)
    config = configured(tmp_path, frame(m=None)).data
    assert data.load(config).fit(config)
