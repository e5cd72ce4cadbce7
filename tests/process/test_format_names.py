"""Columns called as something else in an exported file: inputs keep their names, and all names stay different."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import ExportError
from pipeline import export as exports
from pipeline.export.formats import convert as command
from pipeline.export.formats.convert import export
from pipeline.export.formats.run_in_subprocess import _write_arrays
from pipeline.inference.locate import resolve

N = 60


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    names = ("prediction", "prediction_output", "probabilities", "constant_0", "value_0_0", "file")
    return {name: rng.normal(size=N) for name in names}


@pytest.mark.parametrize(
    ("target", "output", "called"),
    [(np.arange(N) * 1.5, "prediction", "prediction_output_output"),
     (np.arange(N) % 3, "probabilities", "probabilities_output")],
)  # fmt: skip
def test_inputs_called_as_outputs_or_as_what_is_inside(
    untrained: Callable[..., Path],
    table: Callable[..., Path],
    tmp_path: Path,
    target: np.ndarray,
    output: str,
    called: str,
) -> None:
    path = table(**columns(), y=target)
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=y", "model.units=[]")
    done = export(resolve(str(folder)), "onnx", tmp_path / "out")
    assert done.files[0].difference <= exports.TOLERANCE
    content = json.loads((done.folder / "m.json").read_text(encoding="utf-8"))
    assert set(content["inputs"]) == set(columns())
    assert called in content["outputs"]
    assert output not in content["outputs"]


@pytest.mark.slow
def test_litert_keeps_all_names(untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path) -> None:
    path = table(**columns(), y=np.arange(N) * 1.5)
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=y", "model.units=[]")
    done = export(resolve(str(folder)), "litert", tmp_path / "out")
    assert done.files[0].difference <= exports.TOLERANCE


def test_any_name_is_one_of_an_array(tmp_path: Path) -> None:
    _write_arrays(tmp_path / "a.npz", {"file": np.zeros(2), "allow_pickle": np.array(["ü", ""], object)})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert {name: found[name].tolist() for name in found} == {"file": [0, 0], "allow_pickle": ["ü", ""]}


def test_a_failed_export_leaves_no_folder(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(a=np.random.default_rng(0).normal(size=N), y=np.arange(N) * 1.5)
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=y", "model.units=[]")

    def fail(built: object) -> bytes:
        raise ExportError("no")

    monkeypatch.setattr(command.onnx, "convert", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportError, match="no"):
        export(resolve(str(folder)), "onnx", tmp_path / "new" / "out")
    assert sorted(tmp_path.iterdir()) == before
