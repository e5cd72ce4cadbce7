"""What streaming is made of: rows on disk, exact moments, hashes that divide."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data.streaming.disk import DiskArray
from pipeline.data.streaming.hash_split import uniform
from pipeline.data.streaming.running_statistics import Numbers


def test_moments_come_out_as_those_of_the_whole_column() -> None:
    values = np.random.default_rng(0).normal(1e6, 3, 10_000)
    values[::50] = np.nan
    found = Numbers()
    for block in np.array_split(values, 37):
        found.add(block)
    filled = found.with_gaps_as(1e6)
    expected = np.where(np.isnan(values), 1e6, values)
    np.testing.assert_allclose([filled.mean, filled.deviation], [expected.mean(), expected.std()], rtol=1e-9)
    assert (filled.low, filled.high, found.n_gaps) == (expected.min(), expected.max(), 200)


def test_hashes_are_uniform_and_differ_by_seed() -> None:
    one, other = (uniform(np.arange(100_000), seed) for seed in (0, 1))
    assert np.abs(np.histogram(one, 10, (0, 1))[0] / 10_000 - 1).max() < 0.05
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02


def test_rows_on_disk_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = DiskArray((2,), 1000)
    array.append(np.ones((5, 2)))
    assert array[1:3].tolist() == [[1, 1], [1, 1]]
    assert list(tmp_path.iterdir()) == []
