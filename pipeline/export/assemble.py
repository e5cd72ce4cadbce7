"""Assembles preprocessing, network and the conversion to original units into one function of raw columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing, RawColumn, Rows
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.scaling import OutputScaler
from pipeline.data.reading.input_column import InputColumn
from pipeline.export.calibration_values import Learned
from pipeline.export.conformal import Interval, PredictionSet
from pipeline.export.manifest import BOUNDED
from pipeline.export.model_columns import described
from pipeline.export.preprocessing_graph import preprocessed
from pipeline.export.tensorflow_ops import TensorOps
from pipeline.runtime.startup import hide_onednn_notice

BATCH_ROWS = 8192  # rows scored at a time
EXAMPLE_ROWS = 2  # in the manifest
UNLEARNED = Learned()

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Assembled:
    """A function from raw columns to original units or labels, which is scored and exported."""

    preprocessing: Preprocessing
    network: keras.Model
    serve: tf.types.experimental.PolymorphicFunction
    answer: Callable[[tf.Tensor], dict[str, tf.Tensor]]  # the second half, from the network's outputs on
    about: dict[str, Any]  # task, target, classes and what was learned, with the manifest's names
    columns: tuple[InputColumn, ...]
    example: dict[str, list[Any]]  # raw columns of the first rows; a gap is None or ""
    ops: TensorOps  # holds the lookup tables of categories

    @property
    def learned(self) -> Learned:
        """What is applied to the network's outputs."""
        return Learned.of(self.about)

    @property
    def schema(self) -> dict[str, Any]:
        """The description of the model for users without this package."""
        return {"inputs": {column.name: column.to_json() for column in self.columns}, **self.about}

    def predict(self, inputs: Mapping[str, RawColumn]) -> Columns:
        """The outputs for raw columns, `(n_rows,)` or `(n_rows, n_inputs)` each."""
        return in_batches(self.serve, inputs)

    def made_of(self, outputs: np.ndarray | None) -> Columns | None:
        """Converts a network's outputs, `(n_rows, n)`, that were computed elsewhere; None returns None."""
        if outputs is None:
            return None
        return as_text({name: value.numpy() for name, value in self.answer(tf.constant(outputs)).items()})

    def n_clamped(self, inputs: Mapping[str, RawColumn], outputs: Columns) -> int | None:
        """How many predictions were set to an end of the training targets' range; None if they may leave it.

        Args:
            inputs: Raw columns.
            outputs: What `predict` returned for them.
        """
        scaler = self.preprocessing.outputs
        if not scaler.keeps_range:
            return None
        ends = np.array([[chain.lowest, chain.highest] for chain in scaler.chains]).T
        rows = np.flatnonzero((outputs["prediction"][np.newaxis] == ends[:, np.newaxis]).any(axis=(0, 2)))
        if not len(rows):
            return 0
        x = to_array(self.preprocessing.inputs, {name: column[rows] for name, column in inputs.items()})
        starts = range(0, len(x), BATCH_ROWS)
        n_targets = len(scaler.chains)  # members' spread may follow them
        return sum(
            scaler.n_beyond(self.network(x[at : at + BATCH_ROWS], training=False).numpy()[:, :n_targets])
            for at in starts
        )


def assemble(rows: Rows, preprocessing: Preprocessing, network: keras.Model, learned: Learned = UNLEARNED) -> Assembled:
    """Puts the fitted preprocessing around a trained network.

    Args:
        rows: Rows with the columns' names, the classes, and example rows.
        preprocessing: What was learned on training rows.
        network: Network from preprocessed inputs to scaled predictions or logits.
        learned: What to apply to the network's outputs.

    Returns:
        Outputs `prediction` `(n_rows, n_outputs)` float64 in original units, with bounds also `lower` and `upper`; or
        `label` `(n_rows,)` and `probabilities` `(n_rows, n_classes)` float64, columns in the order of the schema's
        `classes`, with sets of labels also `prediction_set` `(n_rows, n_classes)` int32, 1 for a label in the set.
    """
    hide_onednn_notice()
    columns = described(rows, preprocessing.inputs)
    specs = {
        column.name: tf.TensorSpec(list(column.shape), tf.dtypes.as_dtype(column.dtype), name=column.argument)
        for column in columns
    }
    ops = TensorOps()
    outputs = _outputs(rows, preprocessing, ops, learned)

    @tf.function(input_signature=[specs], autograph=False)  # no loop or branch depends on values
    def serve(given: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        x = preprocessed(ops, preprocessing.inputs, given)
        return outputs(network(x, training=False))

    about = {
        "task": rows.target.task,
        "target": list(rows.target.names),
        "classes": rows.target.classes.tolist(),
        **learned.about,
    }
    return Assembled(preprocessing, network, serve, outputs, about, columns, _example(rows), ops)


def in_batches(
    serve: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]], inputs: Mapping[str, RawColumn]
) -> Columns:
    """Runs a serving function over raw columns, a block of rows at a time; text is returned as `str`.

    Args:
        serve: The serving function.
        inputs: Raw columns.
    """
    n_rows = len(next(iter(inputs.values())))
    blocks = []
    for start in range(0, n_rows, BATCH_ROWS):
        rows = slice(start, start + BATCH_ROWS)
        block = {name: tf.constant(np.asarray(column[rows]), _dtype(column)) for name, column in inputs.items()}
        blocks.append({name: value.numpy() for name, value in serve(block).items()})
    return as_text({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})


def as_text(outputs: Columns) -> Columns:
    """Outputs with text as `str`, as everywhere except in TensorFlow."""
    return {
        name: np.array([text.decode() for text in value], dtype=object) if value.dtype == object else value
        for name, value in outputs.items()
    }


def _dtype(column: RawColumn) -> tf.DType:
    return tf.string if column.dtype == object else tf.float64


def _outputs(
    rows: Rows, preprocessing: Preprocessing, ops: TensorOps, learned: Learned
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """The conversion of the network's outputs, float64 from here on."""
    target, scaler = rows.target, preprocessing.outputs

    def regression(scaled: tf.Tensor) -> dict[str, tf.Tensor]:
        return bounded(ops, scaler, learned.interval, tf.cast(scaled, tf.float64))

    def classes(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = tf.cast(logits, tf.float64)
        if target.task == "binary":  # the first class has the logit 0
            logits = tf.concat([tf.zeros_like(logits), logits], axis=1)
        probabilities = tf.nn.softmax(logits)
        labels = tf.constant(target.classes)  # int64, float64, bool or text, as in the table
        named = tf.gather(labels, named_class(probabilities, learned.threshold))
        return {"label": named, "probabilities": probabilities} | label_sets(learned.prediction_set, probabilities)

    return regression if target.task == "regression" else classes


def bounded(ops: TensorOps, scaler: OutputScaler, interval: Interval | None, scaled: tf.Tensor) -> dict[str, tf.Tensor]:
    """Predictions in original units, and their bounds if requested, `(n_rows, n_targets)` each.

    Args:
        ops: The operations to use.
        scaler: The targets' scaler.
        interval: Computes bounds; None for predictions only.
        scaled: Outputs of the network, `(n_rows, n)`.
    """
    columns = tf.unstack(scaled, num=scaled.shape[1], axis=1)
    found = [scaler.invert_with(ops, columns)] if interval is None else interval.bounds(ops, scaler, columns)
    return {name: tf.stack(values, axis=1) for name, values in zip(BOUNDED, found, strict=False)}


def label_sets(prediction_set: PredictionSet | None, probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
    """Which labels are in each set, `(n_rows, n_classes)`, 0 or 1; empty without sets.

    Args:
        prediction_set: Decides on the labels; None without sets.
        probabilities: `(n_rows, n_classes)`.
    """
    return {} if prediction_set is None else {"prediction_set": tf.cast(prediction_set.of(probabilities), tf.int32)}


def named_class(probabilities: tf.Tensor, threshold: float | None) -> tf.Tensor:
    """The class number of each label, `(n_rows,)` int32.

    Args:
        probabilities: `(n_rows, n_classes)`.
        threshold: Of two classes, the second's probability from which on it is the label; None for the likeliest class.
    """
    if threshold is None:
        return tf.argmax(probabilities, axis=1, output_type=tf.int32)
    return tf.cast(probabilities[:, 1] >= tf.constant(threshold, probabilities.dtype), tf.int32)


def _example(rows: Rows) -> dict[str, list[Any]]:
    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and math.isnan(value) else value

    first = {name: np.asarray(column[:EXAMPLE_ROWS]).tolist() for name, column in rows.inputs.items()}
    return {name: [plain(value) for value in values] for name, values in first.items()}
