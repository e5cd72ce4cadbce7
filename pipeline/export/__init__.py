"""The exported model, from raw columns to original units: assembled, saved, reloaded and compared."""

from pipeline.runtime.startup import import_tensorflow

import_tensorflow()  # before Keras imports it, which would show all of TensorFlow's notices

from pipeline.export.assemble import Assembled, assemble, in_batches  # noqa: E402
from pipeline.export.calibrate import Decided, decide  # noqa: E402
from pipeline.export.deviation import TOLERANCE  # noqa: E402
from pipeline.export.out_of_fold import out_of_fold  # noqa: E402
from pipeline.export.saved_model import difference, save, verify  # noqa: E402

__all__ = [
    "TOLERANCE", "Assembled", "Decided", "assemble", "decide", "difference", "in_batches", "out_of_fold", "save",
    "verify",
]  # fmt: skip
