"""Scores a model on newly labelled rows: reads them block by block as predict does, and scores them as splits are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipeline.config.rules import Task
from pipeline.data import RowHashes, Target
from pipeline.data.reading.input_column import BOOLEANS, InputColumn
from pipeline.data.reading.notation import number_in
from pipeline.data.reading.parse_inputs import NewGaps
from pipeline.data.row_hashes import FILE, most_rows, row_hashes
from pipeline.errors import DataError
from pipeline.evaluate import Scores, score
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.manifest import Manifest
from pipeline.export.model_columns import missing_columns
from pipeline.inference.batch.parse_blocks import BlockParser
from pipeline.inference.batch.predict_file import opened, parser_of
from pipeline.inference.batch.source import FormatChanged, Source
from pipeline.inference.locate import FoundModel, resolve

SHOWN = 5  # unknown labels that an error lists


@dataclass(frozen=True)
class Labelled:
    """A model's scores on newly labelled rows."""

    scores: Scores
    n_rows: int
    run_id: str | None  # the model's run
    path: Path  # the SavedModel's folder
    new_gaps: tuple[NewGaps, ...]  # in columns that had none in training
    seen: str | None  # the warning about training rows among them


def score_file(
    reference: str,
    source: Path,
    *,
    weight: str | None = None,
    strict: bool = False,
    trust: bool = False,
    tracking_uri: str | None = None,
) -> Labelled:
    """Scores a model on a file's rows; only their targets and predictions are all in memory at once.

    Args:
        reference: Names the model, see `pipeline.inference.locate.resolve`.
        source: CSV or Parquet file with the model's raw columns and its target columns, in any order.
        weight: Column of the rows' weights; None gives all rows the same weight.
        strict: Whether to refuse gaps in columns that had none in training; otherwise the model fills them.
        trust: Whether to load a model that has no manifest or does not match it.
        tracking_uri: URI of the tracking store.

    Raises:
        PipelineError: The model or the file is invalid, or a label is missing or unknown to the model.
    """
    source = source.expanduser()
    if not source.is_file():
        raise DataError(f"file {source} does not exist (looked for from {Path.cwd()})")
    found = resolve(reference, tracking_uri)
    model = LoadedModel(found.path, trust)
    trained_on = _training_rows(found, tracking_uri)
    rows = opened(source, model.manifest)
    while True:
        try:
            predicted = _predicted(model, rows, weight, strict, looks=trained_on is not None)
            break
        except FormatChanged as other:
            rows = other.source
    scores = score(predicted.target, predicted.outputs, predicted.weights)
    run_id = found.run_id or model.manifest.run_id
    seen = trained_on.warning(predicted.hashes) if trained_on else None
    return Labelled(scores, len(predicted.target.values), run_id, found.path, predicted.new_gaps, seen)


def _training_rows(found: FoundModel, tracking_uri: str | None) -> RowHashes | None:
    """Hashes that the run keeps of its training rows; None for a run of an older version or a model without its run."""
    beside = RowHashes.read(found.path.parent / FILE)
    if beside is not None or found.run_id is None:
        return beside
    from pipeline.track.logged_row_hashes import fetched  # late: MLflow takes seconds, and folders do not need it

    with fetched(found.run_id, tracking_uri) as path:
        return None if path is None else RowHashes.read(path)


class _Labels:
    """Targets and optional weights in the blocks of a file."""

    def __init__(self, manifest: Manifest, weight: str | None) -> None:
        self.names = [*manifest.target, *([weight] if weight else [])]
        self.classes = _known(manifest)
        self._targets, self._weight = manifest.target, weight
        self._text = next(iter(manifest.inputs.values())).text
        plain = InputColumn("", "", "numeric", "float64", (None,), gaps=True, fill=None, text=self._text, words=False)
        formats = manifest.reading.get("column_formats", {})
        columns = {name: replace(plain, name=name, format=formats.get(name)) for name in self.names}
        if len(self.classes) and (self.classes.dtype == object or manifest.target[0] not in formats):
            (name,) = manifest.target
            columns[name] = replace(columns[name], kind="category", dtype="string", **self._as_text())
        self._cleaner = BlockParser(list(columns.values()))

    def _as_text(self) -> dict[str, Any]:
        """Reads a column of labels as text, which keeps all digits."""
        if self.classes.dtype == object:
            decimal = self._text.decimal
            said = (label for label in self.classes if label in BOOLEANS or number_in(label, decimal) is not None)
            return {"numbers": tuple(said)}
        return {"numbers": None, "text": replace(self._text, gaps_in_text=self._text.gaps_in_numbers)}

    def of(self, block: Any, first_row: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The targets `(n_rows, n_targets)`, class numbers or values, and the weights `(n_rows,)`."""
        given = self._cleaner.columns(block, first_row)
        _require_labels(given, first_row)
        weights = given[self._weight] if self._weight else None
        if not len(self.classes):
            return np.stack([given[name] for name in self._targets], axis=1), weights
        (name,) = self._targets
        return self._numbered(name, given[name], first_row).reshape(-1, 1), weights

    def _numbered(self, name: str, given: np.ndarray, first_row: int) -> np.ndarray:
        """The class number of each text."""
        place = {label: number for number, label in enumerate(self.classes.tolist())}
        distinct, codes = np.unique(given, return_inverse=True)
        if distinct.dtype == object:
            labels = [_label(text, self.classes.dtype, self._text.decimal) for text in distinct]
        else:  # numbers that data.column_formats reads
            labels = distinct.tolist()
        unknown = [label for label in labels if label not in place]
        if unknown:
            row = first_row + int(np.isin(codes, [labels.index(label) for label in unknown]).argmax())
            raise DataError(
                f"column {name!r}, row {row}: the model does not know the {_listed('class', 'classes', unknown)}; it "
                f"knows {', '.join(map(str, self.classes.tolist()))}. Correct these labels or leave the rows out"
            )
        return np.array([place[label] for label in labels], np.int64)[codes]


@dataclass(frozen=True)
class _Predicted:
    """A model's predictions for labelled rows."""

    target: Target
    outputs: dict[str, np.ndarray]
    weights: np.ndarray | None
    new_gaps: tuple[NewGaps, ...]
    hashes: np.ndarray  # of the first rows


def _predicted(model: LoadedModel, source: Source, weight: str | None, strict: bool, looks: bool) -> _Predicted:
    manifest, labels = model.manifest, _Labels(model.manifest, weight)
    if missing := [name for name in labels.names if name not in source.names]:
        raise DataError(f"scoring a model needs its target: {missing_columns(missing, list(source.names))}")
    cleaner = parser_of(manifest, source, labels.names, strict, "the target and --weight")
    wanted = [*cleaner.names, *labels.names]
    if both := [name for name in labels.names if name in cleaner.names]:
        raise DataError(f"{', '.join(map(repr, both))} is an input of the model, so it cannot be a weight")
    if repeated := [name for name in wanted if source.names.count(name) > 1]:
        raise DataError(f"the file has more than one column named {', '.join(map(repr, repeated))}; rename them")
    targets, weighed, made, hashes, n_rows = [], [], [], [np.empty(0, np.uint64)], 0
    for block in source.blocks(wanted):
        columns = cleaner.columns(block, n_rows)
        values, weights = labels.of(block, n_rows)
        if looks and n_rows < most_rows(sum(column.size for column in columns.values()) // max(1, len(values))):
            hashes.append(row_hashes(columns, values))
        targets.append(values)
        weighed.append(weights)
        made.append(model.predict_raw(columns))
        n_rows += len(block)
    if n_rows == 0:
        raise DataError("the file has no rows")
    target = Target(cast(Task, manifest.task), tuple(manifest.target), np.concatenate(targets), labels.classes)
    outputs = {name: np.concatenate([block[name] for block in made]) for name in made[0]}
    checked = _checked_weights(weight, weighed) if weight else None
    return _Predicted(target, outputs, checked, tuple(cleaner.new_gaps.values()), np.concatenate(hashes))


def _known(manifest: Manifest) -> np.ndarray:
    """The model's classes, in the order of its probabilities."""
    text = any(isinstance(label, str) for label in manifest.classes)
    return np.array(manifest.classes, dtype=object if text else None)


def _require_labels(given: dict[str, np.ndarray], first_row: int) -> None:
    for name, column in given.items():
        gaps = column == "" if column.dtype == object else np.isnan(column)
        if gaps.any():
            raise DataError(
                f"column {name!r}, row {first_row + int(gaps.argmax())}: no value, so nothing can be compared "
                "with it; leave such rows out"
            )


def _label(text: str, dtype: np.dtype, decimal: str) -> Any:
    """The label in a text, if labels have this dtype and it is one; otherwise the text."""
    if dtype.kind == "O":
        return text
    if text in BOOLEANS:
        return BOOLEANS[text]
    number = number_in(text, decimal)
    if number is None or not np.isfinite(number):
        return text
    if dtype.kind == "f":
        return float(number)
    exact = Decimal(text.replace(decimal, "."))  # with all digits, also of 9007199254740993.0
    return int(exact) if exact == exact.to_integral_value() else number


def _listed(one: str, many: str, labels: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, labels[:SHOWN])) + (", ..." if len(labels) > SHOWN else "")
    return f"{one if len(labels) == 1 else many} {shown}"


def _checked_weights(name: str, weighed: Sequence[np.ndarray | None]) -> np.ndarray:
    weights = np.concatenate([block for block in weighed if block is not None])
    if (weights < 0).any() or not weights.sum() > 0:
        raise DataError(f"--weight: column {name!r} must not have negative weights, and needs some above 0")
    return weights
