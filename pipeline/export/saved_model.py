"""The SavedModel: written completely or not at all, reloaded and compared."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing, Reading, Rows
from pipeline.data.preprocessing import as_json as stored
from pipeline.data.reading.input_column import TextFormat
from pipeline.errors import ExportError
from pipeline.export.assemble import BATCH_ROWS, Assembled, Columns, in_batches
from pipeline.export.calibration_values import Learned
from pipeline.export.conformal import Interval
from pipeline.export.deviation import TOLERANCE, apart
from pipeline.export.graph import network_of
from pipeline.export.manifest import EXTRA, PREPROCESSING, SCHEMA, Manifest, installed_versions, read, write
from pipeline.export.out_of_range import beyond
from pipeline.runtime.atomic_files import whole_folder

log = logging.getLogger(__name__)


def save(
    assembled: Assembled,
    folder: Path,
    run_id: str | None = None,
    reading: Reading | None = None,
    card: Mapping[str, str] | None = None,
) -> None:
    """Writes the SavedModel with its manifest completely or not at all: it is built in a temporary folder, then moved.

    Args:
        assembled: The model.
        folder: Its destination.
        run_id: The run, for the manifest.
        reading: How the training files are written, so that new ones are read alike.
        card: The model card's files, by name.
    """
    with whole_folder(folder) as unfinished:
        archive = keras.export.ExportArchive()
        archive.track(assembled.network)
        assembled.serve.get_concrete_function()  # tracing creates its tables
        for table in assembled.ops.tables.values():
            archive.track(table)
        archive.add_endpoint("serve", assembled.serve)
        # The network alone, for other formats, which rebuild preprocessing.
        n_inputs = assembled.network.input_shape[1]
        specs = [tf.TensorSpec([None, n_inputs], tf.float32, name="x")]
        network = tf.function(lambda x: assembled.network(x, training=False), input_signature=specs, autograph=False)
        network.get_concrete_function()
        archive.add_endpoint("network", network)
        archive.write_out(str(unfinished), verbose=False)
        _write_extra(assembled, unfinished, run_id, reading, card or {})


def _write_extra(
    assembled: Assembled, folder: Path, run_id: str | None, reading: Reading | None, card: Mapping[str, str]
) -> None:
    """Writes the files that describe the model."""
    (folder / EXTRA).mkdir()
    preprocessing = stored.to_json(assembled.preprocessing)
    (folder / SCHEMA).write_text(json.dumps(assembled.schema, indent=2, ensure_ascii=False), encoding="utf-8")
    (folder / PREPROCESSING).write_text(json.dumps(preprocessing, ensure_ascii=False), encoding="utf-8")
    for name, text in card.items():
        (folder / EXTRA / name).write_text(text, encoding="utf-8")
    given = assembled.serve.get_concrete_function().structured_outputs
    outputs = {name: {"shape": list(spec.shape), "dtype": spec.dtype.name} for name, spec in given.items()}
    written, formats = (TextFormat(), {}) if reading is None else (reading.text, reading.column_formats)
    manifest = Manifest(
        **assembled.about,
        inputs={
            column.name: replace(column, text=written, format=formats.get(column.name)) for column in assembled.columns
        },
        outputs=outputs,
        run_id=run_id,
        reading={} if reading is None else asdict(reading),
        example=assembled.example,
        versions=installed_versions(),
    )
    write(manifest, folder)


def verify(folder: Path, rows: Rows, preprocessing: Preprocessing, network: keras.Model) -> float:
    """Reloads a SavedModel and compares it with training's path: numpy's scaling and the network itself.

    On rows beyond the training range it is compared with the same in float64.

    Args:
        folder: The SavedModel's folder.
        rows: Raw rows to compare on.
        preprocessing: The fitted preprocessing.
        network: The trained network.

    Returns:
        The largest difference, in scaled units and divided by max(1, |value|).

    Raises:
        ExportError: A difference is above TOLERANCE, or a label or set contradicts the probabilities.
    """
    loaded = tf.saved_model.load(str(folder))  # kept because the function alone would lose its variables
    (serve,) = loaded.serve.concrete_functions  # `loaded.serve` would trace it again
    served = in_batches(serve, rows.inputs)
    manifest = read(folder)
    found = difference(served, rows, preprocessing, network, manifest.learned.interval)
    check_labels(f"the SavedModel in {folder}", served, manifest.learned, rows.target.classes)
    if not found <= TOLERANCE:
        raise ExportError(
            f"the SavedModel in {folder} differs from the pipeline's own predictions by {found:.2g} in scaled "
            f"units; at most {TOLERANCE} is allowed"
        )
    inputs = {name: np.asarray(column) for name, column in rows.take(slice(BATCH_ROWS)).inputs.items()}
    about = preprocessing, rows.target.task, manifest.inputs
    far = beyond(network_of(loaded), *about, inputs, interval=manifest.learned.interval)
    far.check(f"the SavedModel in {folder}", in_batches(serve, far.columns))
    n_rows = len(rows) + len(far.exact)
    log.info(
        "export verified on %d rows, %d of them beyond the training range: largest difference %.1e",
        n_rows,
        len(far.exact),
        found,
    )
    return found


def check_labels(name: str, served: Columns, learned: Learned, classes: np.ndarray) -> None:
    """Raises ExportError if labels or sets of labels contradict the probabilities; a regression has none.

    Args:
        name: Name of the export, for messages.
        served: Its outputs; present ones are checked.
        learned: How labels and sets follow from probabilities.
        classes: The labels in the order of the probabilities.
    """
    probabilities = served.get("probabilities", np.empty((0, 2)))
    if "label" in served:
        by_threshold = learned.threshold is not None
        numbers = (
            (probabilities[:, 1] >= learned.threshold).astype(int) if by_threshold else probabilities.argmax(axis=1)
        )
        if not (served["label"] == classes[numbers]).all():
            raise ExportError(f"{name} has labels that contradict its probabilities")
    if learned.prediction_set is not None:
        level = np.asarray(learned.prediction_set.level, probabilities.dtype)
        if not (served["prediction_set"] == (probabilities >= level)).all():
            raise ExportError(f"{name} has sets of labels that contradict its probabilities")


def difference(
    served: Columns, rows: Rows, preprocessing: Preprocessing, network: keras.Model, interval: Interval | None = None
) -> float:
    """The largest difference of served outputs from numpy's preprocessing and the network, in scaled units.

    Args:
        served: Outputs of the export.
        rows: Raw rows.
        preprocessing: The fitted preprocessing.
        network: The trained network.
        interval: Computes bounds; None without bounds.
    """
    x = preprocessing.apply(rows).x  # called directly, because Keras's predict would trace a function first
    blocks = [network(x[start : start + BATCH_ROWS], training=False) for start in range(0, len(x), BATCH_ROWS)]
    expected = np.concatenate([block.numpy() for block in blocks])
    return apart(served, expected, preprocessing, rows.target.task, interval)
