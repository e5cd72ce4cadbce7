"""Reads a file block by block, cleans each block as in training, predicts and writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pipeline.data import Reading
from pipeline.data.reading.data_files import PARQUET, TEXT
from pipeline.data.reading.parse_inputs import NewGaps
from pipeline.errors import DataError
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.manifest import Manifest
from pipeline.export.model_columns import missing_columns
from pipeline.inference.batch.parse_blocks import ArrayBlockParser, BlockParser
from pipeline.inference.batch.sink import check_output, sink
from pipeline.inference.batch.source import FormatChanged, ParquetSource, Source
from pipeline.inference.batch.text import open_text
from pipeline.inference.locate import resolve

AUTO = Reading("auto", True, None, "auto", ".", None, [])  # for a model that does not describe its training files


@dataclass(frozen=True)
class PredictionSummary:
    """The result of a prediction."""

    n_rows: int
    seconds: float  # from the first row read until the file is in place
    new_gaps: tuple[NewGaps, ...]  # in columns that had none in training


def predict(
    reference: str,
    source: Path,
    output: Path,
    *,
    keep: Sequence[str] = (),
    strict: bool = False,
    trust: bool = False,
    tracking_uri: str | None = None,
) -> PredictionSummary:
    """Predicts for all rows of a file, in bounded memory.

    Args:
        reference: Names the model, see `pipeline.inference.locate.resolve`.
        source: CSV or Parquet file with the model's raw columns, in any order; others are ignored.
        output: CSV or Parquet file; it appears when all rows are done.
        keep: Columns of the input to copy to the output.
        strict: Whether to refuse gaps in columns that had none in training; otherwise the model fills them.
        trust: Whether to load a model that has no manifest or does not match it.
        tracking_uri: URI of the tracking store.

    Raises:
        PipelineError: The model, the input or the output is invalid.
    """
    source, output = source.expanduser(), output.expanduser()
    if not source.is_file():
        raise DataError(f"file {source} does not exist (looked for from {Path.cwd()})")
    check_output(output, source)
    model = LoadedModel(resolve(reference, tracking_uri).path, trust)
    rows = opened(source, model.manifest)
    started = time.perf_counter()
    while True:
        try:
            cleaner = _cleaner(model.manifest, rows, list(keep), strict)
            n_rows = _all(model, rows, output, list(keep), cleaner)
            return PredictionSummary(n_rows, time.perf_counter() - started, tuple(cleaner.new_gaps.values()))
        except FormatChanged as other:
            rows = other.source


def opened(path: Path, manifest: Manifest) -> Source:
    """Opens a file in the way that the model's training files were read.

    Args:
        path: The file.
        manifest: The model's.

    Raises:
        DataError: The file is neither text nor Parquet, or cannot be read.
    """
    reading = Reading(**manifest.reading) if manifest.reading else AUTO
    name = path.name.lower()
    if name.endswith(PARQUET):
        return ParquetSource(path)
    if not name.endswith(TEXT):
        raise DataError(f"{path} has an unknown extension; use one of {', '.join(TEXT + PARQUET)}")
    return open_text(path, reading, list(manifest.inputs), manifest.target)


def _cleaner(manifest: Manifest, source: Source, keep: list[str], strict: bool) -> BlockParser:
    """The parser of the input's columns, after checking that the output can have the columns to keep."""
    cleaner = parser_of(manifest, source, keep, strict, "those of --keep")
    results = set(manifest.table_columns)
    if unknown := [name for name in keep if name not in source.names]:
        raise DataError(f"--keep: {missing_columns(unknown, list(source.names))}")
    if both := [name for name in keep if name in results]:
        raise DataError(f"--keep: {', '.join(map(repr, both))} is the name of a prediction; leave it out")
    return cleaner


def _all(model: LoadedModel, source: Source, output: Path, keep: list[str], cleaner: BlockParser) -> int:
    wanted = list(dict.fromkeys([*cleaner.names, *keep]))
    if repeated := [name for name in wanted if source.names.count(name) > 1]:
        raise DataError(f"the input has more than one column named {', '.join(map(repr, repeated))}; rename them")
    n_rows = 0
    with sink(output) as write, _progress() as bar:
        task = bar.add_task("predicting", total=source.progress()[1])
        for block in source.blocks(wanted):
            found = model.table(model.predict_raw(cleaner.columns(block, n_rows)))
            write(pa.table({name: block[name] for name in keep} | {name: _array(v) for name, v in found.items()}))
            n_rows += len(block)
            bar.update(task, completed=source.progress()[0])
        if n_rows == 0:
            raise DataError("the input has no rows")
    return n_rows


def parser_of(manifest: Manifest, source: Source, besides: list[str], strict: bool, what: str) -> BlockParser:
    """The parser of the model's columns in a file; for a model that takes an array, of all columns except `besides`.

    Args:
        manifest: The model's.
        source: The file.
        besides: Columns that are not part of an array.
        strict: Whether to refuse gaps in columns that had none in training.
        what: What `besides` are, for the message.

    Raises:
        DataError: Columns are missing.
    """
    first, *others = manifest.inputs.values()
    if others or first.width is None:
        if missing := [name for name in manifest.inputs if name not in source.names]:
            raise DataError(missing_columns(missing, list(source.names)))
        return BlockParser(list(manifest.inputs.values()), strict)
    numbered = [f"{first.name}[{number}]" for number in range(first.width)]
    there = numbered if set(numbered) <= set(source.names) else [name for name in source.names if name not in besides]
    if len(there) != first.width:
        raise DataError(
            f"the model takes an array of {first.width} numbers a row: the input must have as many columns, apart from "
            f"{what}, in the array's order, or columns {numbered[0]} to {numbered[-1]}; it has {len(there)}"
        )
    return ArrayBlockParser(first, there, strict)


def _array(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.string()) if values.dtype == object else pa.array(np.ascontiguousarray(values))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
