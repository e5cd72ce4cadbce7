"""From the configuration to a dataset: reads and divides the rows, in memory or in blocks."""

from __future__ import annotations

import logging

from pipeline.config.decision_rules import Calibration
from pipeline.config.rules import Data
from pipeline.data.dataset import Dataset, InMemory
from pipeline.data.hints import tell
from pipeline.data.preprocessing.column_kinds import check_dates
from pipeline.data.reading.column_roles import from_images, from_table
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.sources import Table, read
from pipeline.data.rows import Rows
from pipeline.data.splits import split
from pipeline.data.stray_texts import StrayTexts
from pipeline.data.streaming import load_streamed, streams
from pipeline.data.target import make_target

log = logging.getLogger(__name__)


def load(config: Data, calibration: Calibration | None = None) -> Dataset:
    """Reads and divides the rows; a table that would not fit in memory is read in blocks.

    Args:
        config: The data section.
        calibration: What validation rows are kept for; None keeps none.

    Raises:
        DataError: A file, column or value is invalid, with every column that has the same fault; or the rows cannot be
            divided as the config says.
    """
    dataset: Dataset
    if streams(config):
        dataset = load_streamed(config, calibration)
    else:
        rows = read_rows(config)
        dataset = InMemory.divided(rows, split(rows, config.split, calibration))
    tell(dataset.rows, config)
    return dataset


def read_rows(config: Data) -> Rows:
    """Reads all rows into memory, picks the columns and decides what is predicted.

    Raises:
        DataError: A file, column or value is invalid; every column with the same fault is named.
    """
    source = read(config)
    columns = from_table(source, config) if isinstance(source, Table) else from_images(source, config)
    n_rows = len(next(iter(columns.target.values())))
    places = RowNumbers(n_rows, columns.n_test_file_rows, columns.row_numbers, columns.n_first)
    stray = StrayTexts(config)
    stray.add(columns.target, places)
    stray.check(len(columns.target))
    target = make_target(columns.target, config.task, places)
    test_rows = None if isinstance(source, Table) else source.test_rows
    rows = Rows(
        config.name,
        columns.inputs,
        target,
        columns.sample_weight,
        test_rows,
        columns.split_column,
        columns.n_test_file_rows,
        columns.row_numbers,
        columns.n_first,
    )
    check_dates(rows.inputs, config, rows.places)
    kind = target.task if target.task == "regression" else f"{target.task} with {len(target.classes)} classes"
    chosen = " (data.task=auto; set data.task if this is wrong)" if config.task == "auto" else ""
    source_name, names = config.path or config.name, ", ".join(target.names)
    log.info("data %s: %d rows, %d inputs; %s of %s%s", source_name, len(rows), rows.n_inputs, kind, names, chosen)
    return rows
