"""Missing values in columns that had none in training: filled, counted and reported, or rejected in strict mode."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import DataError
from pipeline.commands import evaluate as evaluate_command
from pipeline.commands import predict as predict_command
from pipeline.data.reading.parse_inputs import NewGaps
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.batch import text as of_text
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.score_file import score_file
from support.serving import Client, served, serving

pytestmark = pytest.mark.slow

N = 40
SIZE = "column 'size': 2 gaps, the first in row 3, but training had none; replaced by 19.5"
TOWN = "column 'town': a gap in row 30, but training had none; replaced by an unknown category"


def frame() -> pd.DataFrame:
    """No gaps but in `age`."""
    rows = np.arange(N)
    return pd.DataFrame(
        {
            "size": rows * 1.0,
            "age": np.where(rows % 5 == 0, np.nan, rows % 9 * 1.0),
            "town": np.resize(["Bern", "Köln", "東京"], N),
            "y": rows * 2.5,
        }
    )


def with_gaps() -> pd.DataFrame:
    return frame().assign(
        size=lambda table: table["size"].mask(table.index.isin([3, 31])),
        town=lambda table: table["town"].mask(table.index == 30),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, untrained: Callable[..., Path]) -> Path:
    path = tmp_path_factory.mktemp("gaps")
    frame().to_csv(path / "t.csv", index=False)
    return untrained(path / "m", "data=plain_table", f"data.path={path / 't.csv'}", "data.target=y")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "n.csv", tmp_path / "n.parquet"]
    with_gaps().to_csv(paths[0], index=False)
    with_gaps().to_parquet(paths[1])
    return paths


def test_files_are_predicted_and_scored_and_tell_of_all_blocks_together(
    folder: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_text, "BLOCK_BYTES", 100)  # a few rows
    filled = with_gaps().fillna({"size": 19.5, "town": "Atlantis"})
    expected = LoadedModel(folder).predict(filled)["prediction"][:, 0]
    for path in files:
        done = predict(str(folder), path, tmp_path / "o.csv")
        assert list(map(str, done.new_gaps)) == [SIZE, TOWN]
        assert done.new_gaps[0] == NewGaps("size", 2, 3, 19.5)
        np.testing.assert_allclose(pd.read_csv(tmp_path / "o.csv")["prediction"], expected, rtol=1e-5, atol=1e-3)
        assert list(map(str, score_file(str(folder), path).new_gaps)) == [SIZE, TOWN]


def test_strict_refuses_them_before_anything_is_written(folder: Path, files: list[Path], tmp_path: Path) -> None:
    said = "column 'size', row 3: a gap, but training had none in this column"
    for path in files:
        for call in (lambda path=path: predict(str(folder), path, tmp_path / "o.csv", strict=True),
                     lambda path=path: score_file(str(folder), path, strict=True)):  # fmt: skip
            with pytest.raises(DataError, match=said):
                call()
    assert not (tmp_path / "o.csv").exists()
    with pytest.raises(DataError, match=said):
        LoadedModel(folder, strict=True).predict(with_gaps())
    frame().to_csv(tmp_path / "known.csv", index=False)
    assert predict(str(folder), tmp_path / "known.csv", tmp_path / "o.csv", strict=True).new_gaps == ()
    assert len(LoadedModel(folder, strict=True).predict(frame())["prediction"]) == N


def test_a_loaded_model_warns_where_it_is_called(folder: Path) -> None:
    model = LoadedModel(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(with_gaps())
    assert [str(warning.message) for warning in caught] == [SIZE, TOWN]
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    ("command", "words"), [(predict_command, ["o.csv"]), (evaluate_command, [])], ids=["predict", "evaluate"]
)
def test_the_commands_print_warnings_where_they_do_not_mix(
    folder: Path, files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], command, words: list[str]
) -> None:
    given = [str(folder), str(files[0]), *(str(tmp_path / word) for word in words)]
    command.main(given)
    assert capsys.readouterr().err.splitlines()[-2:] == [f"warning: {SIZE}", f"warning: {TOWN}"]
    with pytest.raises(SystemExit, match="column 'size', row 3: a gap, but training had none"):
        command.main([*given, "--strict"])


ROW = {"size": 1.0, "age": None, "town": "Bern"}
GAPS = [{"size": None, "age": 2.0, "town": "Bern"}, ROW, {"size": None, "age": 2.0, "town": " "}]
SAID = [
    {"column": "size", "n_rows": 2, "row": 0, "fill": 19.5,
     "message": "column 'size': 2 gaps, the first in row 0, but training had none; replaced by 19.5"},
    {"column": "town", "n_rows": 1, "row": 2, "fill": "an unknown category",
     "message": "column 'town': a gap in row 2, but training had none; replaced by an unknown category"},
]  # fmt: skip


def test_the_server_answers_and_warns_beside_the_predictions(folder: Path) -> None:
    with serving(served(folder, "m")) as (client, _):
        for path, form, key in (
            ("/invocations", "dataframe_records", "predictions"),
            ("/v1/models/m:predict", "instances", "predictions"),
            ("/v1/models/m:predict", "inputs", "outputs"),
        ):
            rows = {name: [row[name] for row in GAPS] for name in ROW} if form == "inputs" else GAPS
            answer = client.post(path, {form: rows})
            assert (answer.status, answer.json["warnings"]) == (200, SAID)
            assert len(answer.json[key]) == 3
            assert set(client.post(path, {form: ROW if form == "inputs" else [ROW]}).json) == {key}
        text = pd.DataFrame(GAPS).to_csv(index=False)
        assert client.post("/invocations", text, Content_Type="text/csv").json["warnings"] == SAID


def test_a_strict_server_refuses_them(folder: Path) -> None:
    with serving(served(folder, "m"), strict=True) as (client, _):
        _refuses(client)
        assert client.post("/invocations", {"instances": [ROW]}).status == 200


def _refuses(client: Client) -> None:
    answer = client.post("/invocations", {"instances": GAPS})
    assert answer.status == 400
    assert [(fault["row"], fault["column"]) for fault in answer.json["faults"]] == [(0, "size"), (2, "town")]
    assert "row 0, column 'size': a gap, but training had none in this column" in answer.json["message"]
