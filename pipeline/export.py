"""The model that leaves home: raw columns in, original units out; assembled, saved, reloaded and compared."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing, Rows, identifiers
from pipeline.errors import ExportError

log = logging.getLogger(__name__)

BATCH_ROWS = 8192  # rows scored at a time
TOLERANCE = 1e-5  # times max(1, |value|), in scaled units
SCHEMA = "assets.extra/schema.json"  # a folder that TensorFlow Serving sets aside for files of one's own

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Assembled:
    """Scaling, network and inverse scaling as one function of raw columns: what is scored and what is exported."""

    network: keras.Model
    serve: tf.types.experimental.PolymorphicFunction
    schema: dict[str, object]

    def predict(self, inputs: Columns) -> Columns:
        """The outputs for raw columns, `(n_rows,)` or `(n_rows, n_inputs)` each."""
        return in_batches(self.serve, inputs)


def assemble(rows: Rows, preprocessing: Preprocessing, network: keras.Model) -> Assembled:
    """Puts the fitted scaling around a trained network.

    Args:
        rows: Gives the columns' names and the classes; its values are not looked at.
        preprocessing: The fitted scalers.
        network: From scaled inputs to scaled predictions, or to logits.

    Returns:
        Outputs `prediction` `(n_rows, n_outputs)` float64 in original units; or `label` `(n_rows,)` and
        `probabilities` `(n_rows, n_classes)` float64, columns in the order of the schema's `classes`.
    """
    specs = {
        name: tf.TensorSpec([None, *column.shape[1:]], tf.float64, name=identifier)
        for (name, column), identifier in zip(rows.inputs.items(), identifiers(list(rows.inputs)), strict=True)
    }
    shift, scale = preprocessing.inputs.shift, preprocessing.inputs.scale
    outputs = _outputs(rows, preprocessing)

    @tf.function(input_signature=[specs])
    def serve(columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values = [columns[name] for name in specs]
        raw = values[0] if values[0].shape.rank == 2 else tf.stack(values, axis=1)
        return outputs(network(tf.cast((raw - shift) / scale, tf.float32), training=False))

    return Assembled(network, serve, _schema(rows, specs))


def _outputs(rows: Rows, preprocessing: Preprocessing) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """What to make of the network's outputs, float64 from here on."""
    target, scaler = rows.target, preprocessing.outputs

    def regression(scaled: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"prediction": tf.cast(scaled, tf.float64) * scaler.scale + scaler.shift}

    def classes(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = tf.cast(logits, tf.float64)
        if target.task == "binary":  # the first class is the one whose logit is 0
            logits = tf.concat([tf.zeros_like(logits), logits], axis=1)
        probabilities = tf.nn.softmax(logits)
        labels = tf.constant(target.classes)  # int64, float64, bool or text, as in the table
        return {"label": tf.gather(labels, tf.argmax(probabilities, axis=1)), "probabilities": probabilities}

    return regression if target.task == "regression" else classes


def _schema(rows: Rows, specs: dict[str, tf.TensorSpec]) -> dict[str, object]:
    return {
        "inputs": {
            name: {"argument": spec.name, "shape": list(spec.shape), "dtype": "float64"} for name, spec in specs.items()
        },
        "task": rows.target.task,
        "target": list(rows.target.names),
        "classes": rows.target.classes.tolist(),
    }


def in_batches(serve: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]], inputs: Columns) -> Columns:
    """Runs a serving function over raw columns, a block of rows at a time; text comes back as `str`."""
    n_rows = len(next(iter(inputs.values())))
    blocks = []
    for start in range(0, n_rows, BATCH_ROWS):
        block = {name: tf.constant(column[start : start + BATCH_ROWS], tf.float64) for name, column in inputs.items()}
        blocks.append({name: value.numpy() for name, value in serve(block).items()})
    outputs = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return {
        name: np.array([text.decode() for text in value], dtype=object) if value.dtype == object else value
        for name, value in outputs.items()
    }


def save(assembled: Assembled, folder: Path) -> None:
    """Writes the SavedModel, whole or not at all: it is built beside its place and moved there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unfinished-"))
    try:
        archive = keras.export.ExportArchive()
        archive.track(assembled.network)
        archive.add_endpoint("serve", assembled.serve)
        archive.write_out(str(unfinished), verbose=False)
        schema = unfinished / SCHEMA
        schema.parent.mkdir()
        schema.write_text(json.dumps(assembled.schema, indent=2, ensure_ascii=False), encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def verify(folder: Path, rows: Rows, preprocessing: Preprocessing, network: keras.Model) -> float:
    """Reloads a SavedModel and compares it with the path that training took: numpy's scaling and the network itself.

    Returns:
        The largest difference, in scaled units and divided by max(1, |value|).

    Raises:
        ExportError: The difference is above TOLERANCE, or a label is not that of the largest probability.
    """
    loaded = tf.saved_model.load(str(folder))  # kept: the function alone would lose its variables
    served = in_batches(loaded.serve, rows.inputs)
    expected = network.predict(preprocessing.apply(rows).x, batch_size=BATCH_ROWS, verbose=0)
    if rows.target.task == "regression":
        # Compared in original units and then scaled: scaling back what was served would add rounding of its own.
        apart = np.abs(served["prediction"] - preprocessing.outputs.invert(expected)) / preprocessing.outputs.scale
    else:
        expected = _probabilities(expected)
        apart = np.abs(served["probabilities"] - expected)
        labels = rows.target.classes[served["probabilities"].argmax(axis=1)]
        if not (served["label"] == labels).all():
            raise ExportError(f"the SavedModel in {folder} names other labels than its probabilities say")
    difference = float(np.max(apart / np.maximum(1, np.abs(expected))))
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the SavedModel in {folder} differs from the pipeline's own predictions by {difference:.2g} in scaled "
            f"units; at most {TOLERANCE} is allowed"
        )
    log.info("export verified on %d rows: largest difference %.1e", len(rows), difference)
    return difference


def _probabilities(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
