"""The rows that an export is checked with: the run's own validation rows, if they are still there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.export import manifest
from pipeline.export.formats.check_rows import held_out
from pipeline.train import Result


@pytest.mark.parametrize("streaming", ["off", "on"])
def test_rows_that_have_changed_are_not_the_validation_rows(
    trained: Callable[..., Result], regression_table: Path, store: str, streaming: str
) -> None:
    words = ["data=plain_table", f"data.path={regression_table}", "data.target=y", f"data.streaming={streaming}"]
    result = trained(*words, "model.units=[4]")
    about = manifest.read(Path(result.model_path))
    same = held_out(about, result.run_id, store)
    assert same.rows is not None
    assert same.origin == f"{len(same.rows)} validation rows"
    table = pd.read_csv(regression_table)
    table.iloc[::-1].to_csv(regression_table, index=False)
    others = held_out(about, result.run_id, store)
    assert others.rows is None
    assert "export's own example only, not validation rows (the data have changed since training" in others.origin


def test_rows_of_another_type_are_not_the_validation_rows(
    trained: Callable[..., Result], regression_table: Path, store: str
) -> None:
    """Nor is a path that has no file, or a folder, an end in a traceback."""
    result = trained("data=plain_table", f"data.path={regression_table}", "data.target=y", "model.units=[4]")
    about = manifest.read(Path(result.model_path))
    table = pd.read_csv(regression_table)
    for changed in (table.assign(a="text"), table.assign(y="text"), table[:0]):
        changed.to_csv(regression_table, index=False)
        assert held_out(about, result.run_id, store).rows is None
