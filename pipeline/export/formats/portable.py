"""The model for mobile and ONNX runtimes: inputs are numbers and category numbers, without text.

Preprocessing is rebuilt in one float type around the SavedModel's network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing, Scaler
from pipeline.data.ops import FIELDS
from pipeline.data.preprocessing.category_columns import Hashed
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.preprocessing.scaling import Affine, ComposedTransform
from pipeline.data.reading.input_column import InputColumn
from pipeline.errors import ExportError
from pipeline.export.assemble import bounded, label_sets, named_class
from pipeline.export.graph import Instead, network_of, run_again
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.manifest import Manifest
from pipeline.export.preprocessing_graph import preprocessed
from pipeline.export.tensorflow_ops import TensorOps

MAX_COMPARED = 1023  # numbers compared with each row; LiteRT takes lookup tables of 1024 or more for weights


class PortableOps(TensorOps):
    """Operations that LiteRT and ONNX have; a text is its number in the vocabulary, a date its fields."""

    def __init__(self, dtype: tf.DType) -> None:
        super().__init__()
        self.dtype, self.largest = dtype, float(dtype.max)

    @staticmethod
    def isnan(x: tf.Tensor) -> tf.Tensor:
        """LiteRT has no such test, but only NaN differs from itself."""
        return tf.not_equal(x, x)

    @staticmethod
    def log1p(x: tf.Tensor) -> tf.Tensor:
        """The logarithm of the rounded `1 + x`, corrected for the rounding (Higham 2002, section 1.14.1)."""
        above = 1 + x
        kept = above - 1
        nothing, all_of_it = tf.equal(kept, 0), tf.equal(kept, x)  # the latter also if both are infinite
        one = tf.ones_like(x)
        rounded = tf.where(all_of_it, one, x / tf.where(nothing, one, kept))
        return tf.where(nothing, x, tf.math.log(tf.where(nothing, 2 * one, above)) * rounded)

    @staticmethod
    def expm1(x: tf.Tensor) -> tf.Tensor:
        """Near 0 by `2 tanh(x/2) / (1 - tanh(x/2))`, which avoids cancellation."""
        half = tf.tanh(tf.clip_by_value(x, -1.0, 1.0) / 2)
        return tf.where(tf.abs(x) < 1, 2 * half / (1 - half), tf.exp(x) - 1)

    def minimum(self, x: tf.Tensor, y: tf.Tensor | float) -> tf.Tensor:  # noqa: D102
        return tf.minimum(x, self._within(y))

    def maximum(self, x: tf.Tensor, y: tf.Tensor | float) -> tf.Tensor:  # noqa: D102
        return tf.maximum(x, self._within(y))

    def _within(self, bound: tf.Tensor | np.ndarray | float) -> tf.Tensor:
        """A float64 bound as the nearest number of this type."""
        within = bound if isinstance(bound, tf.Tensor) else np.clip(bound, -self.largest, self.largest)
        return tf.convert_to_tensor(within, self.dtype)

    def interpolate_columns(self, x: tf.Tensor, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> tf.Tensor:
        """Represents each knot by two numbers, so that small distances from it are not rounded."""
        found = [self._interpolated(x[:, some], xs[some], ys[some]) for some in _few_columns(xs)]
        return tf.concat(found, axis=1)

    def _interpolated(self, x: tf.Tensor, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> tf.Tensor:
        parts = [column.astype(self.dtype.as_numpy_dtype).astype(np.float64) for column in xs]
        knots, heights = self._side_by_side(parts), self._side_by_side(ys)
        rests = self._side_by_side([column - part for column, part in zip(xs, parts, strict=True)])
        slopes = self._side_by_side([np.diff(up) / np.diff(along) for up, along in zip(ys, xs, strict=True)])
        beyond = (x[:, :, tf.newaxis] - knots.padded(self.largest)) - rests.padded(0)  # distance from each knot
        left = tf.reduce_sum(tf.cast(beyond >= 0, tf.int32), axis=2) - 1
        left = tf.minimum(tf.maximum(left, 0), tf.constant(knots.lengths - 2, tf.int32))
        along = (x - knots.gather(left)) - rests.gather(left)
        inside = along * slopes.gather(left) + heights.gather(left)
        return self.minimum(self.maximum(inside, heights.first), heights.last)

    def index_of_number_columns(self, x: tf.Tensor, vocabularies: Sequence[np.ndarray]) -> tf.Tensor:  # noqa: D102
        found = [self._index_of_number(x[:, some], vocabularies[some]) for some in _few_columns(vocabularies)]
        return tf.concat(found, axis=1)

    def _index_of_number(self, x: tf.Tensor, vocabularies: Sequence[np.ndarray]) -> tf.Tensor:
        known = self._side_by_side(vocabularies)
        same = tf.cast(tf.equal(x[:, :, tf.newaxis], known.padded(np.nan)), tf.int32)
        return tf.reduce_sum(same * np.arange(1, known.lengths.max() + 1, dtype=np.int32), axis=2) - 1

    def index_of_text(self, x: tf.Tensor, vocabulary: Sequence[str]) -> tf.Tensor:  # noqa: D102
        return self.index_of_text_columns(x[:, tf.newaxis], [vocabulary])[:, 0]

    def index_of_text_columns(self, x: tf.Tensor, vocabularies: Sequence[Sequence[str]]) -> tf.Tensor:  # noqa: D102
        lengths = tf.constant(list(map(len, vocabularies)), x.dtype)
        return tf.where(tf.logical_and(x >= 0, x < lengths), x, -tf.ones_like(x))

    def repeat_columns(self, index: tf.Tensor, times: Sequence[int]) -> tf.Tensor:
        """Looks up columns: LiteRT's small files would treat a matrix to multiply by as weights."""
        return tf.gather(index, np.repeat(np.arange(len(times)), times), axis=1)

    def date_fields(self, x: tf.Tensor, pattern: str, names: Sequence[str]) -> dict[str, tf.Tensor]:  # noqa: D102
        in_utc = {name: x[..., FIELDS.index(name)] for name in FIELDS}
        return {name: in_utc.get(name, tf.zeros_like(x[..., 0])) for name in names}  # the others are an offset from UTC


def _few_columns(constants: Sequence[np.ndarray]) -> list[slice]:
    """Groups of columns whose numbers are compared at once; more would need too much memory for each row."""
    step = max(1, MAX_COMPARED // max(map(len, constants)))
    return [slice(start, start + step) for start in range(0, len(constants), step)]


@dataclass(frozen=True)
class Portable:
    """A concrete function with named inputs and outputs, and the objects that it needs."""

    function: tf.types.experimental.ConcreteFunction
    model: LoadedModel
    outputs: tuple[str, ...]  # in TensorFlow's order of flattening


def portable(
    model: LoadedModel, preprocessing: Preprocessing, dtype: tf.DType, codes: tf.DType, instead: Instead
) -> Portable:
    """Builds the function, with an input for each raw column by its argument's name.

    Args:
        model: Has the columns and the network.
        preprocessing: The fitted preprocessing.
        dtype: Type of numbers and of all computations outside the network, which is float32.
        codes: Integer type of text categories: the position in the vocabulary, -1 for unknown ones.
        instead: Replacements of the network's operations.

    Returns:
        Outputs `prediction` `(n_rows, n_targets)` in original units, with bounds also `lower` and `upper`; or
        `class_index` `(n_rows,)` int32 and `probabilities` `(n_rows, n_classes)`, with sets of labels also
        `prediction_set` `(n_rows, n_classes)` int32.

    Raises:
        ExportError: A column needs operations that these formats lack.
    """
    manifest, ops, network = model.manifest, PortableOps(dtype), network_of(model.saved_model)
    dates = check_expressible(preprocessing)
    inputs, shift = _in_two_parts(preprocessing.inputs) if dtype == tf.float32 else (preprocessing.inputs, None)

    @tf.function(autograph=False)  # no loop or branch depends on values
    def serve(**arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = {name: arguments[column.argument] for name, column in manifest.inputs.items()}
        if shift is not None:
            columns = {name: column - tf.constant(shift, dtype) for name, column in columns.items()}
        x = preprocessed(ops, inputs, columns)
        scaled = tf.cast(run_again(network, x, instead), dtype)
        return _outputs(manifest, preprocessing, ops, scaled)

    specs = [_spec(column, name in dates, dtype, codes) for name, column in manifest.inputs.items()]
    function = serve.get_concrete_function(**{spec.name: spec for spec in specs})
    return Portable(function, model, tuple(sorted(function.structured_outputs)))


def _spec(column: InputColumn, is_date: bool, dtype: tf.DType, codes: tf.DType) -> tf.TensorSpec:
    """The function's input for a column of the manifest."""
    if is_date:
        return tf.TensorSpec([None, len(FIELDS)], dtype, name=column.argument)
    shape = [None, *column.shape[1:]]
    return tf.TensorSpec(shape, codes if column.is_text else dtype, name=column.argument)


def _outputs(
    manifest: Manifest, preprocessing: Preprocessing, ops: PortableOps, scaled: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The conversion of the network's outputs."""
    if manifest.task == "regression":
        return bounded(ops, preprocessing.outputs, manifest.learned.interval, scaled)
    if manifest.task == "binary":
        scaled = tf.concat([tf.zeros_like(scaled), scaled], axis=1)
    probabilities, learned = tf.nn.softmax(scaled), manifest.learned
    named = {"class_index": named_class(probabilities, learned.threshold), "probabilities": probabilities}
    return named | label_sets(learned.prediction_set, probabilities)


def check_expressible(preprocessing: Preprocessing) -> dict[str, Date]:
    """The columns of dates, which are given as their fields.

    Raises:
        ExportError: Columns are hashed: no vocabulary could number their texts.
    """
    features = preprocessing.inputs.features if isinstance(preprocessing.inputs, TableInputs) else ()
    if hashed := [feature.column for feature in features if isinstance(feature, Hashed)]:
        raise ExportError(
            f"columns {', '.join(map(repr, hashed))}: text is hashed, which LiteRT and ONNX do not support; train with "
            "data.category_encoding=one_hot, embedding or ordinal, or export as savedmodel"
        )
    return dict(preprocessing.inputs.dates)


def _in_two_parts(inputs: TableInputs | ArrayInputs) -> tuple[TableInputs | ArrayInputs, np.ndarray | None]:
    """Splits each shift into two float32, so that subtraction from a large number keeps its digits."""
    if isinstance(inputs, ArrayInputs):
        first = inputs.scaler.shift.astype(np.float32).astype(np.float64)
        return replace(inputs, scaler=Scaler(inputs.scaler.shift - first, inputs.scaler.scale)), first
    return replace(inputs, features=tuple(_split_feature(feature) for feature in inputs.features)), None


def _split_feature(feature: Feature) -> Feature:
    if isinstance(feature, Number):
        return replace(feature, scaling=_split(feature.scaling))
    if isinstance(feature, Date):
        return replace(feature, elapsed=_split(feature.elapsed), year=_split(feature.year))
    return feature


def _split(chain: ComposedTransform) -> ComposedTransform:
    first, *others = chain.steps or (None,)
    if not isinstance(first, Affine):
        return chain
    large = float(np.float32(first.shift))
    return replace(chain, steps=(Affine(large, 1.0), Affine(first.shift - large, first.scale), *others))
