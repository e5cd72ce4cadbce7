"""Labels that a test file writes differently than the training file."""

import logging

import numpy as np
import pandas as pd

from pipeline.data.reading.column_types import is_text, with_columns

log = logging.getLogger(__name__)


def agreeing_labels(labels: pd.Series, n_test_file_rows: int) -> pd.Series:
    """Removes the final "." from the labels of a test file if that alone makes them those of the first file.

    UCI's Adult has such files: `<=50K` and `>50K` in one, `<=50K.` and `>50K.` in the other. The labels are unchanged
    if one of the test file's is unknown to the first file even without its last ".".

    Args:
        labels: Text of a target column, `(n_rows,)`; the rows of the test file come last.
        n_test_file_rows: Number of rows of the test file.
    """
    n_first = len(labels) - n_test_file_rows
    known, tested = set(labels.iloc[:n_first].dropna()), set(labels.iloc[n_first:].dropna())
    new = tested - known
    if not new or not all(label.endswith(".") and label[:-1] in known for label in new):
        return labels
    log.info(
        "column %r: the test file's labels %s are read without their last '.'", labels.name, ", ".join(sorted(new))
    )
    in_test_file = np.arange(len(labels)) >= n_first
    return labels.mask(in_test_file & labels.isin(new), labels.str.slice(stop=-1))


def agreeing_targets(frame: pd.DataFrame, target: str | list[str] | None, n_test_file_rows: int) -> pd.DataFrame:
    """Applies `agreeing_labels` to all target columns of text.

    Args:
        frame: All rows, those of the test file last.
        target: Names of the targets.
        n_test_file_rows: Number of rows of the test file.
    """
    if not n_test_file_rows or not target:
        return frame
    names = [target] if isinstance(target, str) else target
    text = [name for name in dict.fromkeys(names) if name in frame and is_text(frame[name])]
    return with_columns(frame, {name: agreeing_labels(frame[name], n_test_file_rows) for name in text})
