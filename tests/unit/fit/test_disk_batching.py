"""Rows that an epoch takes from the disk."""

import numpy as np
import pytest

from pipeline import ConfigError
from pipeline.data.streaming.disk import DiskArray
from pipeline.fit.disk_batching import FromDisk
from pipeline.fit.steps import steps_of


def test_an_epoch_from_disk_takes_every_row_once_in_an_order_of_its_own() -> None:
    n = 10_007
    x, y = DiskArray((3,), 40_000), DiskArray((1,), 40_000)
    numbers = np.arange(n, dtype=np.float32)
    for part in np.array_split(numbers, 7):
        x.append(np.stack([part, part, part], 1))
        y.append(part[:, None])
    steps = steps_of(n, 32, None)
    source, generator = FromDisk((x, y, None), steps), np.random.default_rng(0)

    def epoch() -> np.ndarray:
        seen = []
        for device_batch in source.device_batches(generator):
            for step in range(device_batch.n_steps):
                rows = device_batch.numbers[step].numpy()
                assert len(rows) == 32 or device_batch.is_last
                assert (device_batch.rows[0].numpy()[rows, 0] == device_batch.rows[1].numpy()[rows, 0]).all()
                seen.append(device_batch.rows[1].numpy()[rows, 0])
        return np.concatenate(seen)

    first, second = epoch(), epoch()
    assert np.array_equal(np.sort(first), numbers)
    assert np.array_equal(np.sort(second), numbers)
    assert not np.array_equal(first, second)
    # Neighbours of the file are no neighbours of the epoch.
    assert np.mean(np.abs(np.diff(first)) < 5) < 0.01
    with pytest.raises(ConfigError, match=r"fit.batch_size: 20000 rows of 16 bytes do not fit in data.memory_budget"):
        FromDisk((x, y, None), steps_of(n, 20_000, None))
