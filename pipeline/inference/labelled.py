"""Newly labelled rows: read block by block as predict reads them, predicted, and scored as splits are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipeline.config.rules import Task
from pipeline.data import Target
from pipeline.errors import DataError
from pipeline.evaluate import Scores, score
from pipeline.export.columns import missing_columns
from pipeline.export.loaded import LoadedModel
from pipeline.export.manifest import Manifest
from pipeline.inference.batch.run import inputs_of, opened
from pipeline.inference.batch.source import AnotherWay, Source
from pipeline.inference.batch.values import Cleaner
from pipeline.inference.locate import resolve

SHOWN = 5  # unknown labels that an error lists


@dataclass(frozen=True)
class Labelled:
    """How a model did on newly labelled rows."""

    scores: Scores
    n_rows: int
    run_id: str | None  # of the model
    path: Path  # of the SavedModel


def score_file(
    reference: str, source: Path, *, weight: str | None = None, trust: bool = False, tracking_uri: str | None = None
) -> Labelled:
    """Scores a model on the rows of a file; only targets and predictions of all of them are in memory at once.

    Args:
        reference: What names the model, see `pipeline.inference.locate.resolve`.
        source: CSV or Parquet file with the model's raw columns and its target columns, in any order.
        weight: Column of the rows' weights; None weighs all alike.
        trust: Loads a model that has no manifest or is not as it says.
        tracking_uri: Of the store.

    Raises:
        PipelineError: Model or file are not as they must be; a label is missing, or one that the model does not know.
    """
    source = source.expanduser()
    if not source.is_file():
        raise DataError(f"there is no file {source} (looked for from {Path.cwd()})")
    found = resolve(reference, tracking_uri)
    model = LoadedModel(found.path, trust)
    rows = opened(source, model.manifest)
    while True:
        try:
            target, outputs, weights = _predicted(model, rows, [weight] if weight else [])
            break
        except AnotherWay as other:
            rows = other.source
    scores = score(target, outputs, weights)
    return Labelled(scores, len(target.values), found.run_id or model.manifest.run_id, found.path)


def _predicted(
    model: LoadedModel, source: Source, weights: list[str]
) -> tuple[Target, dict[str, np.ndarray], np.ndarray | None]:
    manifest = model.manifest
    labels = [*manifest.target, *weights]
    if missing := [name for name in labels if name not in source.names]:
        raise DataError(f"to score a model, its target must be there: {missing_columns(missing, list(source.names))}")
    inputs, matrix = inputs_of(manifest, source, labels)
    if both := [name for name in labels if name in inputs]:
        raise DataError(f"{', '.join(map(repr, both))} is an input of the model already; it cannot be a weight")
    wanted = [*inputs, *labels]
    if repeated := [name for name in wanted if source.names.count(name) > 1]:
        raise DataError(f"the file has more than one column named {', '.join(map(repr, repeated))}; rename them")
    classes = _known(manifest)
    kinds: dict[str, dict[str, Any]] = {name: {"dtype": "float64", "shape": [None]} for name in labels}
    if len(classes):
        text = classes.dtype == object
        kinds[manifest.target[0]] = {"dtype": "string" if text else "float64", "shape": [None], "kind": "category"}
    clean_inputs, clean_labels = (Cleaner(of, source.marks, source.decimal) for of in (inputs, kinds))
    values, weighed, blocks, n_rows = [], [], [], 0
    for block in source.blocks(wanted):
        columns = clean_inputs.columns(block, n_rows)
        given = {name: np.asarray(column) for name, column in clean_labels.columns(block, n_rows).items()}
        _require_labels(given, n_rows)
        numbers = [_numbered(name, given[name], classes, n_rows) for name in manifest.target]
        values.append(np.stack(numbers, axis=1))
        weighed += [given[name] for name in weights]
        made = model.predict_raw({matrix: np.stack(list(columns.values()), axis=1)} if matrix else columns)
        blocks.append(made)
        n_rows += len(block)
    if n_rows == 0:
        raise DataError("the file has no rows")
    task = cast(Task, manifest.task)
    target = Target(task, tuple(manifest.target), np.concatenate(values), classes)
    outputs = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return target, outputs, _checked_weights(weights, weighed)


def _known(manifest: Manifest) -> np.ndarray:
    """The model's classes, in the order of its probabilities."""
    text = any(isinstance(label, str) for label in manifest.classes)
    return np.array(manifest.classes, dtype=object if text else None)


def _require_labels(given: dict[str, np.ndarray], first_row: int) -> None:
    for name, column in given.items():
        gaps = column == "" if column.dtype == object else np.isnan(column)
        if gaps.any():
            raise DataError(
                f"column {name!r}, row {first_row + int(gaps.argmax())}: no value, so that nothing can be compared "
                "with it; leave such rows out"
            )


def _numbered(name: str, given: np.ndarray, classes: np.ndarray, first_row: int) -> np.ndarray:
    """Class numbers, or a regression's values as they are."""
    if not len(classes):
        return given
    place = {label: number for number, label in enumerate(classes.tolist())}
    unknown = [label for label in dict.fromkeys(given.tolist()) if label not in place]
    if unknown:
        row = first_row + given.tolist().index(unknown[0])
        raise DataError(
            f"column {name!r}, row {row}: the model does not know the {_listed('class', 'classes', unknown)}; it knows "
            f"{', '.join(map(str, classes.tolist()))}. Correct them or leave such rows out"
        )
    return np.array([place[label] for label in given.tolist()], np.int64)


def _listed(one: str, many: str, labels: Sequence[Any]) -> str:
    shown = ", ".join(repr(_plain(label)) for label in labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")
    return f"{one if len(labels) == 1 else many} {shown}"


def _plain(label: Any) -> Any:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _checked_weights(names: list[str], weighed: list[np.ndarray]) -> np.ndarray | None:
    if not names:
        return None
    weights = np.concatenate(weighed)
    if (weights < 0).any() or not weights.sum() > 0:
        raise DataError(f"--weight: column {names[0]!r} must have no negative weights, and some above 0")
    return weights
