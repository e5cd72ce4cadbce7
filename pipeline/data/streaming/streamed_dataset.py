"""A dataset that is read in blocks: the results of the first pass over its files, and the passes that use them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.config.rules import Data
from pipeline.data.dataset import InMemory
from pipeline.data.fingerprint import fingerprint
from pipeline.data.preprocessing.preprocessing import Arrays, Preprocessing
from pipeline.data.rows import Rows
from pipeline.data.splits.parts import NAMES, Splits
from pipeline.data.streaming.blocks import Block, Known, blocks
from pipeline.data.streaming.disk import DiskArray, require_space
from pipeline.data.streaming.hash_split import Assign, uniform
from pipeline.data.streaming.refine import refined
from pipeline.data.streaming.running_statistics import Numbers, Texts

log = logging.getLogger(__name__)

SCORED_SHARE = 1 / 64  # of the budget, for the predictions of a part that is scored
DEVICE_BATCH_SHARE, MAX_DEVICE_BATCH_BYTES = (
    1 / 64,
    2**26,
)  # of the budget, for the rows that are in memory at a time while training
SALT = 11  # of the choice of rows to score
PROGRESS_SECONDS = 10


@dataclass(frozen=True)
class Streamed:
    """The rows of a table's files, with a sample of them in memory."""

    config: Data
    budget: int  # bytes
    known: Known
    assign: Assign
    sample: InMemory
    n_all_rows: int
    n_rows: Mapping[str, int]  # by part
    mean_weights: Mapping[str, float]  # by part; 1 where rows have no weights
    inputs: Mapping[str, Numbers | Texts]  # statistics of the training rows by column
    targets: Mapping[str, Numbers]  # the same for the targets of a regression; classes are never scaled
    hashes: Mapping[str, str]  # by column, of all rows in the order of their files

    def __len__(self) -> int:
        return self.n_all_rows

    @property
    def rows(self) -> Rows:
        """The sample."""
        return self.sample.rows

    @property
    def splits(self) -> Splits:
        """Which rows of the sample are in which part."""
        return self.sample.splits

    def part(self, name: str) -> Rows:
        """The sample's rows of a part."""
        return self.sample.part(name)

    @property
    def calibration(self) -> Rows:
        """The sample's rows that are kept for calibration."""
        return self.sample.calibration

    @property
    def fingerprint(self) -> str:
        """Hash of all rows in the order of their files."""
        return fingerprint(self.hashes)

    def fingerprint_of(self, part: str) -> str:
        """The fingerprint of a part, derived from that of all rows and from the split."""
        split = f"{self.fingerprint} {part} {self.config.split.model_dump_json()}"
        return hashlib.sha256(split.encode()).hexdigest()[:16]

    def without(self, columns: Collection[str]) -> Streamed:
        """The same rows without some of their input columns."""
        hashes = {name: digest for name, digest in self.hashes.items() if name not in columns}
        return replace(self, sample=self.sample.without(columns), hashes=hashes)

    def fit(self, config: Data) -> Preprocessing:
        """Fits on the sample, then replaces its statistics by those of all training rows.

        All rows decide whether a column is narrow: a column that is narrow in the sample has no scaling to refine.
        """
        of_sample = self.sample.fit(config.model_copy(update={"narrowest_range": 0.0}))
        return refined(of_sample, self.inputs, self.targets, config)

    def blocks(self, what: str) -> Iterator[tuple[Rows, np.ndarray, int]]:
        """A pass over all rows: raw rows, the part of each, and the number of the first; progress is logged."""
        for block in with_progress(blocks(self.config, block_bytes(self.budget), self.known), what):
            yield self._rows(block), self.assign(block), block.first_row

    def arrays(self, preprocessing: Preprocessing) -> tuple[Arrays, Arrays]:
        """Encodes and scales the training and validation rows, and writes them to disk.

        Raises:
            DataError: A value is too large for a network, or the disk is full.
        """
        widths = [preprocessing.inputs.n_inputs, self.rows.target.values.shape[1]]
        n_weights = int(self.config.sample_weight is not None)
        need = 4 * (sum(widths) + n_weights) * (self.n_rows["train"] + self.n_rows["val"])
        require_space(need)
        size = min(MAX_DEVICE_BATCH_BYTES, int(self.budget * DEVICE_BATCH_SHARE))
        written = {
            part: [DiskArray((width,), size) for width in widths] + [DiskArray((), size)] * n_weights
            for part in ("train", "val")
        }
        for rows, parts, _ in self.blocks("scaled"):
            preprocessing.check(rows)
            for part, arrays in written.items():
                chosen = rows.take(np.flatnonzero(parts == NAMES.index(part)))
                for array, values in zip(arrays, self._scaled(chosen, preprocessing, part), strict=False):
                    array.append(values)
        log.info("data.streaming: %.1f GB of scaled rows on disk", need / 1e9)
        train, val = (Arrays(*arrays, *[None] * (1 - n_weights)) for arrays in written.values())  # type: ignore[arg-type]
        return train, val

    def _scaled(self, rows: Rows, preprocessing: Preprocessing, part: str) -> list[np.ndarray]:
        """Rows as the network sees them; weights are divided by the mean of their part."""
        if not len(rows):
            return []
        x, y, _ = preprocessing.apply(replace(rows, sample_weight=None))
        return [x, y] if rows.sample_weight is None else [x, y, rows.sample_weight / self.mean_weights[part]]

    def folds(self, n_folds: int, seed: int) -> list[np.ndarray]:
        """Empty: the rows are stored on disk by part.

        Args:
            n_folds: Not used.
            seed: Not used.
        """
        return []

    def scored(self) -> Iterator[tuple[str, Rows]]:
        """Raw rows of every part to score a model on; of a part too large for the budget, a random share."""
        bytes_per_row = 8 * (2 + 2 * self.rows.target.n_outputs)
        most = max(1000, int(self.budget * SCORED_SHARE / bytes_per_row))
        shares = {part: min(1.0, most / max(1, n)) for part, n in self.n_rows.items()}
        for part, share in shares.items():
            if share < 1:
                log.info("%s scores use %.2g %% of its %d rows, drawn at random", part, share * 100, self.n_rows[part])
        for whole, parts, first in self.blocks("scored"):
            rows = replace(whole, inputs={name: whole.inputs[name] for name in self.rows.inputs})
            drawn = uniform(np.arange(first, first + len(rows)), self.config.split.seed + SALT)
            for number, part in enumerate(NAMES):
                chosen = np.flatnonzero((parts == number) & (drawn < shares[part]))
                if len(chosen):
                    yield part, rows.take(chosen)

    def _rows(self, block: Block) -> Rows:
        columns = block.columns
        target = self.rows.target.like(columns.target, block.places)
        return Rows(
            self.config.name, columns.inputs, target, columns.sample_weight, None,
            n_test_file_rows=len(block) if block.from_test_file else 0, row_numbers=columns.row_numbers,
        )  # fmt: skip


def block_bytes(budget: int) -> int:
    """Bytes of a block: several forms of it are in memory at once, and the next one is read ahead."""
    return budget // 64


def with_progress(source: Iterator[Block], what: str) -> Iterator[Block]:
    """Logs from time to time how far a pass has come.

    Args:
        source: Blocks of the pass.
        what: What happens to the rows, as in "looked at".
    """
    n_rows, shown = 0, time.monotonic()
    for block in source:
        yield block
        n_rows += len(block)
        if time.monotonic() - shown > PROGRESS_SECONDS:
            log.info("data.streaming: %d rows %s", n_rows, what)
            shown = time.monotonic()
