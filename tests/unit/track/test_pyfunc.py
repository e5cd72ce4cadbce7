"""The MLflow model: frames as pandas reads them, columns that a reader can understand, versions beside each other."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline import data, load
from pipeline.export.loaded_model import LoadedModel
from pipeline.track.mlflow_model import write_model
from pipeline.track.model_rows import described

pytestmark = pytest.mark.slow

N = 60


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, untrained: Callable[..., Path]) -> tuple[Path, Path, Path]:
    """A table, its SavedModel, and the MLflow model of it."""
    folder, rng = tmp_path_factory.mktemp("pyfunc"), np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "count": rng.integers(0, 100, N),
            "garden": rng.choice([True, False], N),
            "note": np.where(np.arange(N) % 4 == 0, None, "fine"),
            "day": pd.date_range("2021-01-01", periods=N).strftime("%Y-%m-%d"),
            "y": rng.normal(size=N),
        }
    )
    table.to_csv(folder / "t.csv", index=False)
    keys = ("data=plain_table", f"data.path={folder / 't.csv'}", "data.target=y")
    model = untrained(folder / "m", *keys)
    write_model(folder / "mlflow", model, described(data.read_rows(load(*keys).data)))
    return folder / "t.csv", model, folder / "mlflow"


@pytest.mark.parametrize("options", [{}, {"parse_dates": ["day"]}, {"dtype": str}, {"dtype_backend": "pyarrow"}])
@pytest.mark.parametrize("rows", [slice(0, N), slice(0, 1), slice(1, 3)])
def test_it_takes_a_frame_as_pandas_reads_it(
    written: tuple[Path, Path, Path], options: dict, rows: slice, tmp_path: Path
) -> None:
    path, folder, model = written
    lines = path.read_text().splitlines()
    (tmp_path / "part.csv").write_text("\n".join([lines[0], *lines[1:][rows]]))
    frame = pd.read_csv(tmp_path / "part.csv", **options)  # of the first row `note` has gaps only
    expected = LoadedModel(folder).predict(pd.read_csv(path).iloc[rows])["prediction"][:, 0]
    found = mlflow.pyfunc.load_model(str(model)).predict(frame)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test_names_and_kinds_of_columns_can_be_read(written: tuple[Path, Path, Path]) -> None:
    about = mlflow.models.Model.load(str(written[2]))
    assert about.get_input_schema().input_names() == ["count", "garden", "note", "day"]
    kinds = {"count": "numeric", "garden": "boolean", "note": "category", "day": "date as year-month-day"}
    assert about.metadata == {"columns": kinds}
    said = (written[2] / "MLmodel").read_text()
    assert "day: date as year-month-day" in said


def test_versions_stand_beside_each_other_in_one_process(written: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Another version has another bound, and another thought of what a gap is."""
    other = Path(shutil.copytree(written[2], tmp_path / "other"))
    described = other / "artifacts" / "input_column.py"
    text = described.read_text(encoding="utf-8")
    assert text.count("LARGEST_VALUE = 1e30") == 1
    described.write_text(text.replace("LARGEST_VALUE = 1e30", "LARGEST_VALUE = 1e3"), encoding="utf-8")
    ours, theirs, again = (mlflow.pyfunc.load_model(str(path)) for path in (written[2], other, written[2]))
    row = pd.DataFrame({"count": [5000], "garden": [True], "note": ["fine"], "day": ["2021-01-01"]})
    for _ in range(2):
        assert np.isfinite(ours.predict(row)["prediction"]).all()
        with pytest.raises(ValueError, match="column 'count', row 0: 5000 is beyond 1000"):
            theirs.predict(row)
        assert np.isfinite(again.predict(row)["prediction"]).all()
    loaded = [name for name in sys.modules if name.startswith("dense_pipeline_input_column_")]
    assert len(loaded) >= 2


def test_an_array_is_taken_by_its_name_or_alone_and_within_bounds(
    untrained: Callable[..., Path], tmp_path: Path
) -> None:
    folder, rows = untrained(tmp_path / "m", "data=digits"), data.read_rows(load("data=digits").data)
    write_model(tmp_path / "mlflow", folder, described(rows))
    model, x = mlflow.pyfunc.load_model(str(tmp_path / "mlflow")), np.asarray(rows.inputs["x"][:3], np.float64)
    expected = LoadedModel(folder).predict({"x": x})["label"].tolist()
    assert model.predict({"x": x})["label"].tolist() == expected
    for bad, said in (
        (np.inf, "inf is infinite"),
        (1e31, "1e\\+31 is beyond"),
        (np.nan, "a gap, but training had none and nothing replaces it"),
    ):
        spoilt = x.copy()
        spoilt[2, 5] = bad
        with pytest.raises(ValueError, match=f"column 'x', row 2: .*{said}"):
            model.predict({"x": spoilt})
