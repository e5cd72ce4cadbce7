"""Labels that a test file writes otherwise than the file trained on."""

import logging

import numpy as np
import pandas as pd

from pipeline.data.reading.column_types import is_text, with_columns

log = logging.getLogger(__name__)


def agreeing_labels(labels: pd.Series, n_test_file_rows: int) -> pd.Series:
    """Takes the "." from the labels of a test file where that, and nothing else, makes them those of the first file.

    The files of UCI's Adult are like that: `<=50K` and `>50K` in one, `<=50K.` and `>50K.` in the other. The labels
    stay as they are where one of the test file's is unknown to the first file also without its last ".".

    Args:
        labels: Text of a target column, `(n_rows,)`; the rows of the test file come last.
        n_test_file_rows: How many these are.
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
    """The table with the labels of all its target columns of text in agreement."""
    if not n_test_file_rows or not target:
        return frame
    names = [target] if isinstance(target, str) else target
    text = [name for name in dict.fromkeys(names) if name in frame and is_text(frame[name])]
    return with_columns(frame, {name: agreeing_labels(frame[name], n_test_file_rows) for name in text})
