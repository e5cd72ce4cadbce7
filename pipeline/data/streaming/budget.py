"""How much memory rows may take, and whether a table is streamed to respect that."""

import gzip
import logging
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.rules import Data
from pipeline.data.reading.data_files import PARQUET, named_files
from pipeline.data.reading.typed_tables import is_url
from pipeline.errors import DataError
from pipeline.schema import n_bytes

log = logging.getLogger(__name__)

SHARE_OF_FREE = 0.5  # of free memory, if no budget is set
SMALLEST = 32_000_000  # bytes: blocks, a sample and buffers have to fit
# Memory of a table: its file, raw columns, arrays, and some of each twice for a moment (measured, mixed columns).
BYTES_PER_BYTE_OF_TEXT, BYTES_PER_VALUE, UNZIPPED = 4.0, 24, 5


def streams(config: Data) -> bool:
    """Whether the rows are read in blocks: as `data.streaming` says, or if they would exceed the memory budget."""
    if config.name != "table" or config.streaming == "off" or config.query is not None or is_url(str(config.path)):
        return False
    if config.streaming == "on":
        return True
    needed, budget = sum(_bytes_in_memory(file) for _, file in table_files(config)), memory_budget(config)
    if needed <= budget:
        return False
    text = "data.streaming: about %.1f GB of rows exceed data.memory_budget, %.1f GB, so they are read in blocks"
    log.info(text, needed / 1e9, budget / 1e9)
    return True


def memory_budget(config: Data) -> int:
    """Bytes that rows may take at any time.

    Raises:
        DataError: The budget is too small.
    """
    if config.memory_budget is None:
        return max(SMALLEST, int(SHARE_OF_FREE * psutil.virtual_memory().available))
    budget = n_bytes(config.memory_budget)
    if budget < SMALLEST:
        raise DataError(
            f"data.memory_budget: {config.memory_budget} is too little for blocks and buffers; give "
            f"data.memory_budget={SMALLEST // 10**6}MB or more"
        )
    return budget


def table_files(config: Data) -> list[tuple[str, Path]]:
    """The files that the config names, each with its key; those of `data.split.test_path` come last."""
    keys = {"data.path": config.path, "data.split.test_path": config.split.test_path}
    return [(key, file) for key, path in keys.items() if path is not None for file in named_files(key, path)]


def _bytes_in_memory(file: Path) -> float:
    if not file.name.lower().endswith(PARQUET):
        zipped = UNZIPPED if file.suffix.lower() == ".gz" else 1
        return file.stat().st_size * zipped * BYTES_PER_BYTE_OF_TEXT
    try:
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as opened:
            metadata = pq.read_metadata(opened)
    except (OSError, EOFError, pa.ArrowException):
        return 0.0  # reading the file reports the problem
    return metadata.num_rows * metadata.num_columns * BYTES_PER_VALUE
