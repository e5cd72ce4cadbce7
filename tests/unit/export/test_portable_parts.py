"""Parts of LiteRT and ONNX files that went wrong: the last second of a day in float32, logarithms in ONNX."""

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from pipeline.data.ops import FIELDS, NumpyOps
from pipeline.data.preprocessing.date_columns import fit_date
from pipeline.data.reading.raw_columns import TextArray
from pipeline.export.formats import onnx
from pipeline.export.formats.portable import PortableOps


def test_the_last_second_of_a_day_is_not_the_next_one() -> None:
    texts = np.array(["2020-06-14 00:00:00", "2020-06-15 23:59:59", "2023-01-31 23:59:59"], object)
    date = fit_date("at", TextArray.of(texts))
    parsed = date.written.parse(NumpyOps(), texts)
    fields = tf.constant(np.stack([parsed[name] for name in FIELDS], axis=1), tf.float32)
    found = np.stack([part.numpy() for part in date.apply(PortableOps(tf.float32), fields)], axis=1)
    np.testing.assert_allclose(found, np.stack(date.apply(NumpyOps(), texts), axis=1), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("log1p", np.log1p), ("where", lambda x: np.where(x > 1, 1.0, x))],
)
def test_onnx_keeps_float64(name: str, expected: object) -> None:
    x = np.concatenate([np.geomspace(1e-9, 1e3, 200), [np.inf, np.nan]])
    ops = PortableOps(tf.float64)
    apply = {"log1p": ops.log1p, "where": lambda x: ops.where(x > 1, 1.0, x)}[name]
    made = tf.function(apply, input_signature=[tf.TensorSpec([None], tf.float64)], autograph=False)
    model = onnx.converted(convert_variables_to_constants_v2(made.get_concrete_function()))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, expected(x), rtol=1e-14)  # type: ignore[operator]
