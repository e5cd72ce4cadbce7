"""A model's outputs as columns of a table, for files and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.export.manifest import BOUNDED

BETWEEN = " | "  # separates labels of a set


def table(names: Sequence[str], classes: Sequence[Any], outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns `(n_rows,)` by their names.

    Args:
        names: Names of all columns, see `Manifest.table_columns`.
        classes: Labels in the order of the probabilities.
        outputs: The model's outputs.
    """
    if "prediction" in outputs:
        columns = [column for kind in BOUNDED if kind in outputs for column in outputs[kind].T]
    else:
        sets = [as_text(outputs["prediction_set"], classes)] if "prediction_set" in outputs else []
        columns = [outputs["label"], *sets, *outputs["probabilities"].T]
    return dict(zip(names, columns, strict=True))


def as_text(sets: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """The labels in each set as text, such as `versicolor | virginica`; an empty set is an empty text.

    Args:
        sets: `(n_rows, n_classes)`, 0 or 1.
        classes: Their labels.
    """
    distinct, numbers = np.unique(sets, axis=0, return_inverse=True)
    labels = np.array([str(label) for label in classes], object)
    texts = np.array([BETWEEN.join(labels[chosen > 0]) for chosen in distinct], object)
    return texts[numbers.reshape(-1)]
