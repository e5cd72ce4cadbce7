"""LiteRT files with weights in float16 and in int8: preprocessing stays float32."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import data, export, load, model
from pipeline.export.formats.convert import export as export_to
from pipeline.inference.locate import resolve


@pytest.mark.slow
def test_preprocessing_stays_float32(table: Callable[..., Path], tmp_path: Path) -> None:
    """Of a network whose weights float16 holds, the file loses nothing; and no constant is too large for it."""
    rng = np.random.default_rng(0)
    columns = {f"x{number}": rng.lognormal(size=3000) for number in range(20)}
    path = table(**columns, y=columns["x0"] + rng.normal(size=3000))
    words = ("data=plain_table", f"data.path={path}", "data.target=y", "data.input_scaling=quantile")
    config = load(*words, "model.units=[48,48]")
    rows = data.read_rows(config.data)
    preprocessing = data.fit_preprocessing(rows, config.data)
    network = model.build(config.model, **preprocessing.sizes(rows.target))
    network.set_weights([weight.astype(np.float16).astype(np.float32) for weight in network.get_weights()])
    assembled = export.assemble(rows, preprocessing, network)
    export.save(assembled, tmp_path / "m", reading=data.Reading.of(config.data))
    full, half, eighth = export_to(resolve(str(tmp_path / "m")), "litert", tmp_path / "out").files
    assert half.n_bytes < full.n_bytes
    assert half.difference == full.difference
    assert eighth.difference < 0.1  # with what is looked up in preprocessing in int8 it is 0.9
