"""Numbers with a decimal comma or separators of thousands: read as training reads them, or refused; never halved."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline import DataError, data, load
from pipeline.data.reading.parse_inputs import Coded, clean
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.batch.parse_blocks import BlockParser
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.score_file import score_file
from support.input_columns import number


def cleaned(texts: list[str], decimal: str, first_row: int = 0) -> list[float]:
    return BlockParser([number("x", decimal=decimal)]).columns(pa.table({"x": texts}), first_row)["x"].tolist()


@pytest.mark.parametrize("decimal", [".", ","])
def test_every_number_is_what_pandas_reads_to_the_last_bit(tmp_path: Path, decimal: str) -> None:
    rng = np.random.default_rng(0)
    numbers = [*rng.normal(size=500), *(rng.normal(size=200) * 1e-12), 102.51, 1e30, -0.0, 7.0]
    pd.DataFrame({"x": numbers}).to_csv(tmp_path / "n.csv", index=False, decimal=decimal, sep=";")
    texts = (tmp_path / "n.csv").read_text().split()[1:]
    expected = pd.read_csv(tmp_path / "n.csv", decimal=decimal, sep=";")["x"]
    column = number("x", decimal=decimal)
    for given in (texts, pd.Series(texts, dtype="str"), Coded(np.arange(len(texts)), texts)):
        np.testing.assert_array_equal(clean([column], {"x": given}).columns["x"], expected)
    np.testing.assert_array_equal(cleaned(texts, decimal), expected)
    np.testing.assert_array_equal([column.number_of(text) for text in texts], expected)


@pytest.mark.parametrize(
    ("decimal", "bad"),
    [(".", "1,102.51"), (".", "102,51"), (",", "1.102,51"), (",", "102.51"), (",", "1.102"), (".", "nAn"),
     (".", '"1"'), (".", "1\n2"), (".", "1\x1f2"), (".", "1\0" "2"), (",", "1\r2"), (".", "1 000"), (".", "€ 1")],
)  # fmt: skip
@pytest.mark.parametrize("row", [0, 1, 4])
def test_what_is_not_a_number_is_named_in_any_row(decimal: str, bad: str, row: int) -> None:
    texts = [f"{number}{decimal}5" for number in range(5)]
    texts[row] = bad
    with pytest.raises(DataError, match=f"column 'x', row {100 + row}: .* is not a number; correct it .*'{decimal}'"):
        cleaned(texts, decimal, first_row=100)


def test_truth_values_and_gaps_are_read_beside_decimal_commas() -> None:
    np.testing.assert_array_equal(cleaned(["true", "1,5", "", " 2,25 "], ","), [1, 1.5, np.nan, 2.25])
    np.testing.assert_array_equal(cleaned(["", "nan"], ","), [np.nan, np.nan])


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory, untrained: Callable[..., Path]) -> tuple[Path, Path, list[str]]:
    """A model of a table with decimal commas, the table, and the keys by which it was read."""
    folder = tmp_path_factory.mktemp("german")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(100, 9, 60).round(2), "b": rng.normal(0, 1, 60)})
    table["y"] = table["a"] * 2 + table["b"]
    table.to_csv(folder / "t.csv", index=False, sep=";", decimal=",")
    keys = ["data=plain_table", f"data.path={folder / 't.csv'}", "data.target=y", "data.decimal=','"]
    return untrained(folder / "m", *keys), folder / "t.csv", keys


def test_a_table_with_decimal_commas_is_predicted_and_scored_as_it_was_read(
    german: tuple[Path, Path, list[str]], tmp_path: Path
) -> None:
    folder, path, keys = german
    rows = data.read_rows(load(*keys).data)
    expected = LoadedModel(folder).predict_raw({name: np.asarray(values) for name, values in rows.inputs.items()})
    predict(str(folder), path, tmp_path / "o.csv")
    np.testing.assert_allclose(pd.read_csv(tmp_path / "o.csv")["prediction"], expected["prediction"][:, 0], rtol=1e-12)
    errors = expected["prediction"] - rows.target.values
    assert score_file(str(folder), path).scores["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()))


def test_a_table_with_points_is_refused_by_a_model_of_commas(
    german: tuple[Path, Path, list[str]], tmp_path: Path
) -> None:
    folder, path, _ = german
    pd.read_csv(path, sep=";", decimal=",").to_csv(tmp_path / "n.csv", index=False, sep=";")
    for call in (lambda: predict(str(folder), tmp_path / "n.csv", tmp_path / "o.csv"),
                 lambda: score_file(str(folder), tmp_path / "n.csv")):  # fmt: skip
        with pytest.raises(DataError, match=r"column 'a', row 0: '.*' is not a number"):
            call()


def test_training_takes_points_beside_decimal_commas_as_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": ["1.102", "2.500"] * 5, "b": [" 1.5", "2 "] * 5, "y": range(10)}).to_csv(
        path, index=False, sep=";"
    )
    keys = ("data=plain_table", f"data.path={path}", "data.target=y", "data.decimal=','")
    inputs = data.read_rows(load(*keys).data).inputs
    assert [values.dtype.kind for values in inputs.values()] == ["O", "O"]
    assert "column 'a' has values with a point, such as 1.102, but data.decimal is ','" in caplog.text


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_a_test_file_with_decimal_commas_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, streaming: str
) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(100, 9, 60).round(2), "y": rng.normal(0, 1, 60).round(6)})
    table.to_csv(tmp_path / "train.csv", index=False, sep=";")
    commas = table["a"].astype(str).str.replace(".", ",", regex=False)
    table.assign(a=commas).to_csv(tmp_path / "test.csv", index=False, sep=";")
    keys = ("data=plain_table", f"data.path={tmp_path / 'train.csv'}", "data.target=y", f"data.streaming={streaming}",
            f"data.split.test_path={tmp_path / 'test.csv'}", "data.memory_budget=64MB")  # fmt: skip
    inputs = data.load(load(*keys).data).rows.inputs
    assert inputs["a"].dtype.kind == "O"
    if streaming == "off":
        first = commas[0]
        said = f"'a' holds numbers in {tmp_path}/train.csv and text in {tmp_path}/test.csv (first: {first!r}), so it"
        assert said in caplog.text
    assert "column 'a' holds" in caplog.text
    assert "they share one data.decimal" in caplog.text
